/** /healthz: the process runs. /readyz: it can serve; 503 while it drains or its store fails. */
import { accountId } from "@sotto/protocol";
import type { FastifyInstance } from "fastify";
import type { Store } from "../core/store.ts";

const nobody = accountId(new Uint8Array(16));
const unreadyMs = 10_000;

/** Whether the server can serve now. */
export class Readiness {
  #draining = false;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  readonly #store: Store;
  readonly #nowMs: () => number;

  constructor(store: Store, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  get draining(): boolean {
    return this.#draining;
  }

  startDraining(): void {
    this.#draining = true;
  }

  /** A commit failed: a disk that is full or gone shows here first. Forgotten after a while, so that others try again. */
  writeFailed(): void {
    this.#failedAtMs = this.#nowMs();
  }

  /** "ready", or why not. */
  async state(): Promise<"ready" | "draining" | "store failing"> {
    if (this.#draining) return "draining";
    if (this.#nowMs() - this.#failedAtMs < unreadyMs) return "store failing";
    try {
      await this.#store.accountById(nobody);
      return "ready";
    } catch {
      return "store failing";
    }
  }
}

/** Adds the routes. */
export function addHealthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const status = await readiness.state();
    return reply.code(status === "ready" ? 200 : 503).send({ status });
  });
}
