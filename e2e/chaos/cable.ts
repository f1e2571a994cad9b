/** The cable between the nodes and their database: a TCP proxy that can be cut, so that ends are told, or so that everything vanishes. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** How a cable is cut: connections end and new ones are refused, or nothing passes and nobody is told. */
export type Cut = "ended" | "silent";

/** Carries connections to one port of 127.0.0.1. */
export class Cable {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #cut: Cut | undefined;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      if (this.#cut === "ended") return near.destroy();
      const far = connect(port, "127.0.0.1");
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      for (const [one, other] of [pair, [far, near]] as const) {
        one.setNoDelay(true);
        one.on("error", () => one.destroy());
        one.once("close", () => {
          other.destroy();
          this.#pairs.delete(pair);
        });
      }
      if (this.#cut === undefined) join(pair);
    });
  }

  /** Begins to listen on a free port. */
  static async lay(port: number): Promise<Cable> {
    const cable = new Cable(port);
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    return cable;
  }

  /** Where it begins. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(how: Cut): void {
    this.#cut = how;
    for (const [near, far] of this.#pairs) {
      if (how === "ended") near.destroy();
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  /** What waited passes: a network keeps and repeats it. */
  mend(): void {
    this.#cut = undefined;
    for (const pair of this.#pairs) join(pair);
  }

  stop(): void {
    this.#server.close();
    for (const [near] of this.#pairs) near.destroy();
  }
}

function join([near, far]: readonly [Socket, Socket]): void {
  near.pipe(far).pipe(near);
}
