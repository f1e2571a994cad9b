/**
 * The scene of attacks on MLS conversations: whole clients on the real server core under one clock, a liar between some of them and the
 * server, and devices that fell into an attacker's hands, with all their keys.
 */
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  MLS_CIPHERSUITE_IDS,
  createMlsEngine,
  sealInboxItem,
  signIn,
  verifyChallenge,
  type Ed25519KeyPair,
  type MlsCiphersuite,
  type MlsEngine,
  type MlsGroup,
} from "@sotto/crypto";
import { nodeMlsProvider, nodeProvider } from "@sotto/crypto/node";
import type { Connection, Transport } from "@sotto/client";
import { groupNames, names, type GroupRecord } from "@sotto/client/parts";
import {
  EntryKind,
  GroupDataSchema,
  GroupKind,
  GroupRight,
  InboxItemSchema,
  LABELS,
  RejoinReason,
  SealedContentSchema,
  WelcomeItemSchema,
  accountId,
  deviceId,
  labelled,
  parseHex,
  toHex,
  type ClientFrame,
  type Entry,
  type ServerFrame,
} from "@sotto/protocol";
import { clientFrame, serverFrame, type ClientFrameInit } from "../../src/frames.ts";
import { SimulatedWorld, type SimulatedDevice } from "../../src/simulation/index.ts";

export const provider = nodeProvider();
export const mlsProvider = nodeMlsProvider(provider);
export const engine: MlsEngine = createMlsEngine(mlsProvider);
export const bytes = (hex: string): Uint8Array => parseHex(hex)!;

/** What the liar does with what passes by, in both directions; what is left out passes unchanged. */
export interface Lies {
  readonly up?: (frame: ClientFrame, link: Link) => readonly ClientFrame[];
  readonly down?: (frame: ServerFrame, link: Link) => readonly ServerFrame[];
}

/** One connection through the liar. */
export interface Link {
  toClient(...frames: readonly ServerFrame[]): void;
  toServer(...frames: readonly ClientFrame[]): void;
}

/** The world with a liar in it. */
export class Scene {
  readonly world: SimulatedWorld;
  readonly #lies = new Map<string, Lies>();
  readonly #links = new Map<string, Link & { cut(): void }>();

  private constructor(world: SimulatedWorld) {
    this.world = world;
    const { server } = world;
    const honest = server.transport.bind(server);
    server.transport = (address) => this.#lyingTransport(address, honest(address));
  }

  static async make(seed = 1): Promise<Scene> {
    return new Scene(await SimulatedWorld.make(seed));
  }

  /** People who are up and connected, each with one device. */
  async people<Names extends readonly string[]>(
    ...called: Names
  ): Promise<{ [Index in keyof Names]: SimulatedDevice }> {
    const devices: SimulatedDevice[] = [];
    for (const name of called) devices.push(await this.world.device(`${name}@example.org`));
    for (const device of devices) await device.start();
    await this.world.settle();
    return devices as unknown as { [Index in keyof Names]: SimulatedDevice };
  }

  /** Lies to one device from now on. */
  lie(device: SimulatedDevice, lies: Lies): void {
    this.#lies.set(this.#address(device), lies);
  }

  /** Is honest to everybody from now on. */
  behave(): void {
    this.#lies.clear();
  }

  /** The connection of a device. */
  link(device: SimulatedDevice): Link & { cut(): void } {
    const link = this.#links.get(this.#address(device));
    if (link === undefined) throw new Error(`${device.identifier} is not connected`);
    return link;
  }

  #address(device: SimulatedDevice): string {
    return device.label;
  }

  #lyingTransport(address: string, inner: Transport): Transport {
    return {
      ...inner,
      connect: async (events, hello) => {
        let connection: Connection | undefined;
        const link = {
          toClient: (...frames: readonly ServerFrame[]) => events.frames(frames),
          toServer: (...frames: readonly ClientFrame[]) => connection?.send(frames),
          cut: () => connection?.close(),
        };
        const heard = {
          frames: (frames: readonly ServerFrame[]) => {
            const told = frames.flatMap((frame) => this.#lies.get(address)?.down?.(frame, link) ?? [frame]);
            if (told.length > 0) events.frames(told);
          },
          closed: (cause: Error | undefined) => events.closed(cause),
        };
        connection = await inner.connect(heard, hello);
        this.#links.set(address, link);
        return {
          close: () => connection.close(),
          send: (frames) => {
            const told = frames.flatMap((frame) => this.#lies.get(address)?.up?.(frame, link) ?? [frame]);
            if (told.length > 0) connection.send(told);
          },
        };
      },
    };
  }

  /** Ann's message reaches everybody named, in a group or in a pair. */
  async reaches(from: SimulatedDevice, to: string, body: string, readers: readonly SimulatedDevice[]) {
    await from.up.send(to, body);
    await this.world.until(() => readers.every((reader) => hasRead(reader, body)), 3_600);
  }

  async close(): Promise<void> {
    for (const device of this.world.devices) await device.stop();
    if (this.world.server.failures.length > 0) throw this.world.server.failures[0];
  }
}

export const hasRead = (device: SimulatedDevice, body: string): boolean =>
  device.received.some((message) => message.body === body);

/** Codes of everything that a device refused and told. */
export const refusals = (device: SimulatedDevice): readonly string[] =>
  device.notices.flatMap((notice) => (notice.type === "refused" ? [notice.code] : []));

/** The only group of a kind that a device is in. */
export async function groupOf(
  device: SimulatedDevice,
  kind: GroupRecord["kind"] = "group",
): Promise<GroupRecord> {
  const found = (await device.groups()).filter((one) => one.kind === kind && one.state === "joined");
  if (found.length !== 1) throw new Error(`${device.identifier} is in ${found.length} of these`);
  return found[0] as GroupRecord;
}

/** Everything that lies in a device's vault about a group: what must not change when something is refused. */
export async function storedState(device: SimulatedDevice, id: string): Promise<unknown> {
  const { stored } = device;
  const { state, epoch, token, data, accounts } = (await stored.get(groupNames.group(id)))!;
  return {
    state,
    epoch,
    token: toHex(token),
    data: toHex(data),
    accounts,
    base: toHex((await stored.get(groupNames.state(id))) ?? new Uint8Array()),
    secrets: (await stored.page(groupNames.secrets(id))).map(({ order, value }) => [order, toHex(value)]),
  };
}

/** The MLS state that a device has of a group. */
export async function mlsOf(device: SimulatedDevice, id: string): Promise<MlsGroup> {
  const { stored } = device;
  const secrets = await stored.page(groupNames.secrets(id));
  return engine.restore(
    {
      base: (await stored.get(groupNames.state(id)))!,
      secrets: secrets.map(({ order, value }) => ({ id: order, bytes: value })),
    },
    (await stored.get(names.own))!.deviceKey,
  );
}

export const exported = (group: MlsGroup): Promise<Uint8Array> =>
  engine.exportSecret(group, LABELS.accessToken, new Uint8Array(), 32);

/** A lie about the entries of one log: what to show in place of each. Numbers are given anew, so that there is no hole. */
export function aboutLog(id: string, lie: (entry: Entry) => readonly Entry[]): Lies {
  let shift = 0n;
  return {
    down: (told) => {
      const { frame } = told;
      if (frame.case === "attached" && toHex(frame.value.logId) === id) {
        const { headSeq, cursorSeq } = frame.value;
        const value = { ...frame.value, headSeq: headSeq + shift, cursorSeq: cursorSeq + shift };
        return [serverFrame({ case: "attached", value })];
      }
      if (frame.case !== "entries" || toHex(frame.value.logId) !== id) return [told];
      const entries = frame.value.entries.flatMap((entry) => {
        const shown = lie(entry);
        if (entry.kind === EntryKind.EPHEMERAL) return shown;
        const numbered = shown.map((one, i) => ({ ...one, seq: entry.seq + shift + BigInt(i) }));
        shift += BigInt(shown.length) - 1n;
        return numbered;
      });
      return entries.length === 0
        ? []
        : [serverFrame({ case: "entries", value: { ...frame.value, entries } })];
    },
    up: (told) => {
      const { frame } = told;
      if (frame.case === "attach" && toHex(frame.value.logId) === id) {
        const afterSeq = frame.value.afterSeq > shift ? frame.value.afterSeq - shift : 0n;
        return [clientFrame({ case: "attach", value: { ...frame.value, afterSeq } })];
      }
      if (frame.case !== "ack" || toHex(frame.value.logId) !== id) return [told];
      const seq = frame.value.seq - shift;
      return seq > 0n ? [clientFrame({ case: "ack", value: { ...frame.value, seq } })] : [];
    },
  };
}

/** A device in the attacker's hands: its keys, a connection of its own, and no manners. */
export class Intruder {
  readonly device: SimulatedDevice;
  readonly heard: ServerFrame[] = [];
  readonly #scene: Scene;
  #connection!: Connection;
  #next = 1;

  private constructor(scene: Scene, device: SimulatedDevice) {
    this.#scene = scene;
    this.device = device;
  }

  /** Stops the device's own program, and signs in with its keys. */
  static async takeOver(scene: Scene, device: SimulatedDevice): Promise<Intruder> {
    const own = (await device.stored.get(names.own))!;
    device.kill();
    return Intruder.signIn(scene, device, own);
  }

  /** Signs in with the keys of any device on the list of that one's account. */
  static async signIn(
    scene: Scene,
    device: SimulatedDevice,
    own: { readonly account: string; readonly device: string; readonly deviceKey: Ed25519KeyPair },
  ): Promise<Intruder> {
    const intruder = new Intruder(scene, device);
    const { world } = scene;
    const clientNonce = provider.randomBytes(32);
    const events = {
      frames: (frames: readonly ServerFrame[]) => void intruder.heard.push(...frames),
      closed: () => undefined,
    };
    const hello = clientFrame({ case: "hello", value: { protocolVersion: 1, clientNonce } });
    intruder.#connection = await world.server.transport("198.51.100.1").connect(events, hello);
    const challenge = await intruder.hears("challenge");
    const nowSec = Math.floor(world.clock.nowMs() / 1000);
    const verified = await verifyChallenge(provider, world.server.key, clientNonce, challenge, nowSec);
    const value = await signIn(provider, verified, {
      accountId: accountId(bytes(own.account)),
      deviceId: deviceId(bytes(own.device)),
      privateKey: own.deviceKey.privateKey,
    });
    intruder.send({ case: "signIn", value });
    await intruder.hears("signedIn");
    return intruder;
  }

  send(frame: NonNullable<ClientFrameInit>): void {
    this.#connection.send([clientFrame(frame)]);
  }

  /** The next frame of a kind. */
  async hears<Case extends NonNullable<ServerFrame["frame"]["case"]>>(
    kind: Case,
  ): Promise<Extract<ServerFrame["frame"], { case: Case }>["value"]> {
    const find = () => this.heard.findIndex(({ frame }) => frame.case === kind);
    await this.#scene.world.until(() => find() >= 0);
    return this.heard.splice(find(), 1)[0]!.frame.value as never;
  }

  /** Sends a request; what the server answers: "done", "appended", … or the code of its refusal. */
  async request(make: (request: number) => NonNullable<ClientFrameInit>): Promise<string> {
    const number = this.#next++;
    this.send(make(number));
    const isAnswer = ({ frame }: ServerFrame): boolean =>
      frame.value !== undefined && "request" in frame.value && frame.value.request === number;
    await this.#scene.world.until(() => this.heard.some(isAnswer));
    const { frame } = this.heard.find(isAnswer)!;
    return frame.case === "refused" ? (frame.value.problem?.code ?? "") : String(frame.case);
  }

  /** Appends to a log in which the device is a member. */
  append(
    log: Pick<GroupRecord, "id" | "token" | "epoch">,
    kind: EntryKind,
    body: Uint8Array,
    nextTokenHash: Uint8Array = new Uint8Array(),
  ): Promise<string> {
    return this.request((request) => ({
      case: "append",
      value: {
        request,
        logId: bytes(log.id),
        accessToken: log.token,
        epoch: BigInt(log.epoch),
        kind,
        body,
        nextTokenHash,
      },
    }));
  }

  /** Leaves something in an inbox. */
  leave(inbox: Uint8Array, body: Uint8Array): Promise<string> {
    return this.request((request) => ({
      case: "append",
      value: { request, logId: inbox, epoch: 0n, kind: EntryKind.MESSAGE, body },
    }));
  }
}

/** What an attacker makes a group of. */
export interface Forged {
  readonly groupId: Uint8Array;
  readonly data: Uint8Array;
  /** The epoch in which the victim joins, at least 1. */
  readonly epoch: number;
  /** Others who stand in it beside the attacker and the victim; they hear nothing of it. */
  readonly beside?: readonly SimulatedDevice[];
}

/** A group of an attacker's own, and what lets the victim in. */
export interface Invitation {
  readonly group: MlsGroup;
  readonly welcome: Uint8Array;
  readonly tree: Uint8Array;
}

/** Makes a group with a KeyPackage of the victim's. */
export async function forgeGroup(
  scene: Scene,
  intruder: Intruder,
  victim: SimulatedDevice,
  forged: Forged,
  keyPackage?: Uint8Array,
): Promise<Invitation> {
  const own = (await intruder.device.stored.get(names.own))!;
  const nowSec = Math.floor(scene.world.clock.nowMs() / 1000);
  let group = await engine.createGroup({
    groupId: forged.groupId,
    ciphersuite: "x25519",
    client: { accountId: bytes(own.account), deviceId: bytes(own.device) },
    signatureKey: own.deviceKey,
    groupData: forged.data,
    nowSec,
  });
  while (group.epoch < forged.epoch - 1) group = (await engine.commit(group, {})).next;
  const verified = async (device: SimulatedDevice, given?: Uint8Array) => {
    const theirs = (await device.stored.get(names.own))!;
    const expected = {
      accountId: bytes(theirs.account),
      deviceId: bytes(theirs.device),
      signatureKey: theirs.deviceKey.publicKey,
      ciphersuite: "x25519",
    } as const;
    const read = await engine.readKeyPackage(given ?? (await claimOne(intruder, device)));
    return engine.verifyKeyPackage(read, expected, nowSec);
  };
  const add = [await verified(victim, keyPackage)];
  for (const device of forged.beside ?? []) add.push(await verified(device));
  const made = await engine.commit(group, { add });
  return { group: made.next, welcome: made.welcomes[0]!, tree: made.tree };
}

/** Claims a KeyPackage of somebody's, as anybody may. */
export async function claimOne(
  intruder: Intruder,
  victim: SimulatedDevice,
  ciphersuite: MlsCiphersuite = "x25519",
): Promise<Uint8Array> {
  intruder.send({
    case: "claimKeyPackages",
    value: {
      request: 1_000_000,
      accountId: bytes(victim.account),
      ciphersuite: MLS_CIPHERSUITE_IDS[ciphersuite],
      deviceIds: [bytes(victim.device)],
    },
  });
  const { keyPackages } = await intruder.hears("keyPackagesClaimed");
  return keyPackages[0]!.keyPackage;
}

/** Leaves something sealed in somebody's inbox. */
export async function leaveSealed(
  intruder: Intruder,
  victim: SimulatedDevice,
  content: MessageInitShape<typeof SealedContentSchema>,
): Promise<void> {
  const own = (await victim.stored.get(names.own))!;
  const plaintext = toBinary(SealedContentSchema, create(SealedContentSchema, content));
  const value = await sealInboxItem(mlsProvider, own.inboxKey.publicKey, plaintext);
  const item = create(InboxItemSchema, {
    item: { case: "sealed", value: { ...value, $typeName: "sotto.v1.SealedItem" } },
  });
  const answer = await intruder.leave(bytes(own.inbox), toBinary(InboxItemSchema, item));
  if (answer !== "appended") throw new Error(`the server answered ${answer}`);
}

/** Leaves a Welcome, with a log that exists, in somebody's inbox. */
export async function sendWelcome(
  intruder: Intruder,
  victim: SimulatedDevice,
  invitation: Invitation,
  changes: MessageInitShape<typeof WelcomeItemSchema> = {},
): Promise<void> {
  const value = {
    welcome: invitation.welcome,
    logId: invitation.group.groupId,
    slotId: provider.randomBytes(16),
    afterSeq: 0n,
    tree: { case: "inlineTree", value: invitation.tree } as const,
    ...changes,
  };
  await leaveSealed(intruder, victim, { content: { case: "welcome", value } });
}

/** What a request to be added anew says; all but the log may be left out. */
export interface Asked {
  readonly logId: string;
  readonly reason?: RejoinReason;
  readonly epoch?: number;
  readonly refusedCommit?: Uint8Array;
}

/** Leaves a request in a device's name in somebody's inbox. @param key signs it; the device's own unless it is forged. */
export async function leaveRejoin(
  intruder: Intruder,
  victim: SimulatedDevice,
  device: SimulatedDevice,
  asked: Asked,
  key?: Uint8Array,
): Promise<void> {
  const own = (await device.stored.get(names.own))!;
  const madeAtSec = Math.floor(device.world.clock.nowMs() / 1000);
  const { epoch = 0, reason = RejoinReason.LOST, refusedCommit = new Uint8Array() } = asked;
  const ids = { logId: bytes(asked.logId), accountId: bytes(own.account), deviceId: bytes(own.device) };
  const numbers = Buffer.alloc(17);
  numbers.writeBigUInt64BE(BigInt(madeAtSec));
  numbers.writeBigUInt64BE(BigInt(epoch), 8);
  numbers.writeUInt8(reason, 16);
  const said = labelled(LABELS.rejoin, ...Object.values(ids), numbers, refusedCommit);
  const signature = await provider.ed25519Sign(key ?? own.deviceKey.privateKey, said);
  const rest = { madeAtSec: BigInt(madeAtSec), epoch: BigInt(epoch), reason, refusedCommit, signature };
  await leaveSealed(intruder, victim, { content: { case: "rejoin", value: { ...ids, ...rest } } });
}

/** Leaves word in somebody's inbox, in a device's name, that they, or `gone`, are not in a group any more. @param asker whom it answers. */
export async function leaveNotMember(
  intruder: Intruder,
  victim: SimulatedDevice,
  device: SimulatedDevice,
  said: { readonly logId: string; readonly epoch: number; readonly asker?: string; readonly gone?: string },
  key: Uint8Array,
): Promise<void> {
  const ids = {
    logId: bytes(said.logId),
    accountId: bytes(device.account),
    deviceId: bytes(device.device),
    askerDeviceId: bytes(said.asker ?? victim.device),
  };
  const goneAccountId = bytes(said.gone ?? victim.account);
  const epoch = Buffer.alloc(8);
  epoch.writeBigUInt64BE(BigInt(said.epoch));
  const signature = await provider.ed25519Sign(
    key,
    labelled(LABELS.notMember, ...Object.values(ids), new Uint8Array(epoch), goneAccountId),
  );
  const value = { ...ids, epoch: BigInt(said.epoch), goneAccountId, signature };
  await leaveSealed(intruder, victim, { content: { case: "notMember", value } });
}

/** Serialized GroupData. */
export function groupData(
  kind: "PAIR" | "GROUP" | "ACCOUNT",
  name: string,
  admins: readonly string[] = [],
  replaces?: { readonly id: string; readonly epoch: number },
): Uint8Array {
  return toBinary(
    GroupDataSchema,
    create(GroupDataSchema, {
      kind: GroupKind[kind],
      name,
      admins: admins.map(bytes),
      addMembers: kind === "GROUP" ? GroupRight.ADMINS : GroupRight.MEMBERS,
      removeMembers: kind === "GROUP" ? GroupRight.ADMINS : GroupRight.MEMBERS,
      rename: kind === "GROUP" ? GroupRight.ADMINS : GroupRight.MEMBERS,
      ...(replaces && { replaces: [{ logId: bytes(replaces.id), epoch: BigInt(replaces.epoch) }] }),
    }),
  );
}
