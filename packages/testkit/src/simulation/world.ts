/**
 * Devices with the real client core, one server with the real core, a network for each device, one virtual clock and one seed that
 * decides everything: what happened under a seed happens again. Cryptography is real; only its random ids and nonces come from the seed.
 */
import { generateKeyPairSync } from "node:crypto";
import {
  createVault,
  type CryptoProvider,
  type MlsCiphersuite,
  type RsaKeyPair,
  type Vault,
} from "@sotto/crypto";
import { nodeProvider } from "@sotto/crypto/node";
import { VirtualClock } from "../clock.ts";
import { SeededRandom } from "../random.ts";
import { SimulatedDevice } from "./device.ts";
import { SimulatedServer } from "./server.ts";
import { Witness } from "./witness.ts";

const real = nodeProvider();
const rsa = {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "der" },
  privateKeyEncoding: { type: "pkcs8", format: "der" },
} as const;
// What the real one does in threads, which the virtual clock does not wait for: what came of it would depend on how busy the machine is.
const provider: CryptoProvider = {
  ...real,
  pbkdf2Sha256: (password, salt, _iterations, length) =>
    real.hkdfSha256(password, salt, new Uint8Array(), length),
};
// One vault key, and a few RSA pairs that nothing in these worlds depends on: making them takes most of a second.
let sharedVault: Promise<{ readonly header: Uint8Array; readonly vault: Vault }> | undefined;
const rsaPairs: RsaKeyPair[] = [];
/** Opens every vault of a simulated world. */
export const SIMULATED_PASSPHRASE = "correct horse battery staple";

/** The world. */
export class SimulatedWorld {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly server: SimulatedServer;
  readonly witness: Witness;
  readonly crypto: CryptoProvider;
  /** Of the groups that devices make. */
  ciphersuite: MlsCiphersuite = "x-wing";
  readonly devices: SimulatedDevice[] = [];
  readonly #made = new Map<string, number>();

  private constructor(
    clock: VirtualClock,
    random: SeededRandom,
    server: SimulatedServer,
    crypto: CryptoProvider,
  ) {
    this.clock = clock;
    this.random = random;
    this.server = server;
    this.crypto = crypto;
    this.witness = new Witness();
    server.watch = this.witness.stored;
  }

  static async make(seed: number): Promise<SimulatedWorld> {
    const clock = new VirtualClock();
    const random = new SeededRandom(seed);
    // A stream for each purpose, so that a little more or less of one thing leaves the others as they were.
    const ids = new SeededRandom(random.nextUint32());
    let rsaMade = 0;
    const crypto: CryptoProvider = {
      ...provider,
      randomBytes: (length) => ids.bytes(length),
      rsaGenerate: () => (rsaPairs[rsaMade++] ??= generateKeyPairSync("rsa", rsa)),
    };
    return new SimulatedWorld(clock, random, await SimulatedServer.make(provider, clock), crypto);
  }

  /** Registers somebody with one device; start() brings it up. */
  async device(identifier: string): Promise<SimulatedDevice> {
    const device = await this.#make(identifier);
    await device.register();
    this.devices.push(device);
    return device;
  }

  /** A device that asks to be let into the account of another. Once that is approved it is among the others; start() brings it up. */
  async newDevice(existing: SimulatedDevice): Promise<{
    readonly device: SimulatedDevice;
    readonly code: string;
    /** undefined: nobody approved it in time, or it lost the way to the server. */
    readonly joined: Promise<SimulatedDevice | undefined>;
  }> {
    const device = await this.#make(existing.identifier);
    const { code, joined } = await device.askToJoin(SIMULATED_PASSPHRASE);
    const added = joined.then((isIn) => {
      if (isIn) this.devices.push(device);
      return isIn ? device : undefined;
    });
    return { device, code, joined: added };
  }

  /** Makes another device of somebody who is running; start() brings it up. */
  async linked(existing: SimulatedDevice): Promise<SimulatedDevice> {
    const { code, joined } = await this.newDevice(existing);
    const [device] = await this.during(Promise.all([joined, existing.up.approveLink(code)]));
    if (device === undefined) throw new Error("the new device was not let in");
    return device;
  }

  async #make(identifier: string): Promise<SimulatedDevice> {
    const parts = await (sharedVault ??= createVault(provider, SIMULATED_PASSPHRASE));
    const made = (this.#made.get(identifier) ?? 0) + 1;
    this.#made.set(identifier, made);
    return new SimulatedDevice(this, { identifier, label: `${identifier}#${made}` }, parts);
  }

  /** Lets everything happen that is due within so many seconds. */
  settle(seconds = 5): Promise<void> {
    return this.clock.advance(Math.ceil(seconds * 1000));
  }

  /** Moves on in small steps until a condition holds. @throws Error naming the seed. */
  async until(condition: () => boolean | Promise<boolean>, withinSec = 300): Promise<void> {
    const stepMs = 100;
    for (let waited = 0; waited < (withinSec * 1000) / stepMs; waited++) {
      if (await condition()) return;
      await this.clock.advance(stepMs);
    }
    throw new Error(`the condition did not come true within ${withinSec} s; seed ${this.random.seed}`);
  }

  /** Moves on until some work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const settled = work.then(
      () => (done = true),
      () => (done = true),
    );
    await this.until(() => done);
    await settled;
    return work;
  }
}
