/**
 * Knows the requests under way and the connections that are open, so that a stop waits for the former and not for the
 * latter: a connection that never says anything, or is stuck in its TLS handshake, would hold it up for minutes.
 */
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/** What is open at an app. */
export class OpenRequests {
  readonly #sockets = new Set<Socket>();
  #underWay = 0;
  #idle: (() => void) | undefined;

  constructor(app: FastifyInstance) {
    app.server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    app.addHook("onRequest", (_request, reply, done) => {
      this.#underWay++;
      reply.raw.once("close", () => {
        this.#underWay--;
        if (this.#underWay === 0) this.#idle?.();
      });
      done();
    });
  }

  /** Waits until no request is under way, at most for a while; then cuts every connection that is left. */
  async finish(graceMs: number): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const socket of this.#sockets) socket.destroy();
  }
}
