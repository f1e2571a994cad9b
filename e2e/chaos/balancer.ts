/**
 * The plain TCP balancer before the nodes: each connection goes to the next node that is well. It asks each for /readyz, as any balancer
 * would, and where one refuses a connection it takes the next. When none is well it tries those that there are. A node that does not
 * answer at all loses its connections, so that clients need not find out by themselves.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

const askEveryMs = 250;
const patienceMs = 1_000;
const mostSilent = 3;

/** A node behind the balancer. */
interface Backend {
  readonly port: number;
  isWell: boolean;
  isAsked: boolean;
  /** How often in turn it gave no answer. */
  silent: number;
  readonly sockets: Set<Socket>;
}

/** Spreads connections over the ports of 127.0.0.1 that nodes listen on. */
export class Balancer {
  readonly #backends: readonly Backend[];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #asking: NodeJS.Timeout;
  #next = 0;

  private constructor(ports: readonly number[]) {
    this.#backends = ports.map((port) => ({
      port,
      isWell: true,
      isAsked: false,
      silent: 0,
      sockets: new Set(),
    }));
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#asking = setInterval(() => void Promise.all(this.#backends.map(ask)), askEveryMs);
  }

  /** Begins to listen on a free port. */
  static async start(ports: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(ports);
    balancer.#server.listen(0, "127.0.0.1");
    await once(balancer.#server, "listening");
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends it, with all connections. */
  stop(): void {
    clearInterval(this.#asking);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(client: Socket): Promise<void> {
    this.#keep(client);
    client.pause();
    const turn = this.#next++;
    const inTurn = this.#backends.map(
      (_, i) => this.#backends[(turn + i) % this.#backends.length] as Backend,
    );
    const well = inTurn.filter(({ isWell }) => isWell);
    for (const backend of well.length > 0 ? well : inTurn) {
      const upstream = await dial(backend.port);
      if (upstream === undefined) continue;
      this.#keep(upstream);
      backend.sockets.add(upstream);
      upstream.once("close", () => backend.sockets.delete(upstream));
      client.pipe(upstream).pipe(client);
      client.once("close", () => upstream.destroy());
      upstream.once("close", () => client.destroy());
      return;
    }
    client.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

/** undefined where nobody listens. */
function dial(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

async function ask(backend: Backend): Promise<void> {
  if (backend.isAsked) return;
  backend.isAsked = true;
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const answer = await fetch(`http://127.0.0.1:${backend.port}/readyz`, { signal });
    await answer.arrayBuffer();
    backend.isWell = answer.ok;
    backend.silent = 0;
  } catch {
    backend.isWell = false;
    backend.silent += 1;
    if (backend.silent < mostSilent) return;
    for (const socket of backend.sockets) socket.destroy();
  } finally {
    backend.isAsked = false;
  }
}
