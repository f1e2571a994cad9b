import { transientConformance } from "@sotto/testkit/transient-conformance";
import { expect, test } from "vitest";
import { MemoryTransient } from "../../src/adapters/memory-transient.ts";

transientConformance("memory", (nowMs) => new MemoryTransient(nowMs));

const id = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 255);

test("the oldest go when there are too many of a kind", async () => {
  const store = new MemoryTransient(() => 0, { maxItems: 100 });
  for (let n = 0; n < 300; n++) await store.put("code", id(n), id(n), 1_000);
  await store.put("request", id(0), id(0), 1_000);
  expect([store.size("code"), store.size("request")]).toEqual([100, 1]);
  expect(await store.read("code", id(199))).toBeUndefined();
  expect(await store.read("code", id(200))).toEqual(id(200));
});

test("links and their answers share their room, and refuse what has none", async () => {
  const store = new MemoryTransient(() => 0, { maxLinkBytes: 2_000 });
  const bytes = new Uint8Array(400);
  expect(await store.swap("link", id(1), undefined, bytes, 1)).toBe("done");
  expect(await store.swap("link-answer", id(1), undefined, bytes, 1)).toBe("done");
  expect(await store.swap("link", id(2), undefined, bytes, 1)).toBe("full");
  await store.take("link-answer", id(1));
  expect(await store.swap("link", id(2), undefined, bytes, 1)).toBe("done");
});
