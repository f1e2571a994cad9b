import { storeConformance } from "@sotto/testkit/store-conformance";
import { MemoryStore } from "../../src/adapters/memory-store.ts";

storeConformance("memory", async (limits) => new MemoryStore(limits), undefined);
