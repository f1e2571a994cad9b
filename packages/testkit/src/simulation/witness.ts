/**
 * Knows what nobody else does: which plaintext each encrypted entry holds, and who was in a group in each epoch. It listens at the MLS
 * engine of every device and at the server's store, and so sees each log as it really is: the model that clients are held against.
 */
import { createHash } from "node:crypto";
import type { MlsEngine, MlsMember } from "@sotto/crypto";
import { ContentSchema, EntryKind, GroupEntrySchema, LIMITS, decode, toHex } from "@sotto/protocol";
import type { Stored } from "./restorable-store.ts";

/** A text in a log. */
export interface WitnessedText {
  readonly seq: number;
  readonly epoch: number;
  /** The message's id. */
  readonly id: string;
  readonly sender: string;
}

/** A conversation log. */
export interface WitnessedLog {
  readonly id: string;
  epoch: number;
  head: number;
  /** Devices by epoch. */
  readonly members: Map<number, ReadonlySet<string>>;
  /** The seq of the Commit that began an epoch; 0 for the first. */
  readonly begins: Map<number, number>;
  /** Who was added when, those who were in before among them. */
  readonly joins: {
    readonly seq: number;
    readonly device: string;
    /** The device that let it in. */
    readonly by: string;
  }[];
  readonly texts: WitnessedText[];
  /** The devices that said in it that their account leaves, each time. */
  readonly leaves: { readonly seq: number; readonly device: string }[];
  /** Entries whose plaintext nobody here encrypted: there must be none. */
  unknown: number;
}

interface WitnessedCommit {
  readonly by: string;
  readonly members: ReadonlySet<string>;
  readonly added: readonly string[];
}

const hashed = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64");
const devicesOf = (members: readonly MlsMember[]): ReadonlySet<string> =>
  new Set(members.map(({ deviceId }) => toHex(deviceId)));

/** What an entry is known by; empty for one that holds nothing that anybody here encrypted. */
function hashOf(body: Uint8Array): string {
  try {
    const { entry } = decode(GroupEntrySchema, body, LIMITS.maxCommitBytes);
    return entry.case === "mlsMessage" ? hashed(entry.value) : "";
  } catch {
    return "";
  }
}

/** The witness of one world. */
export class Witness {
  readonly logs = new Map<string, WitnessedLog>();
  /** The device that wrote a text, by its id: others of its account may send it again. */
  readonly authors = new Map<string, string>();
  readonly #texts = new Map<
    string,
    { readonly id: string | undefined; readonly leaves: boolean; readonly sender: string }
  >();
  readonly #commits = new Map<string, WitnessedCommit>();
  /** Members of groups that were made, before their log was. */
  readonly #made = new Map<string, WitnessedCommit>();

  /** Puts the witness between a device and its engine. */
  listen(engine: MlsEngine, device: string): MlsEngine {
    return {
      ...engine,
      createGroup: async (options) => {
        const group = await engine.createGroup(options);
        this.#made.set(toHex(group.groupId), { by: device, members: devicesOf(group.members), added: [] });
        return group;
      },
      commit: async (group, changes) => {
        const made = await engine.commit(group, changes);
        const members = devicesOf(made.next.members);
        const added = changes.add?.map(({ member }) => toHex(member.deviceId)) ?? [];
        this.#commits.set(hashed(made.commit), { by: device, members, added });
        const id = toHex(group.groupId);
        if (!this.logs.has(id)) this.#made.set(id, { by: device, members, added });
        return made;
      },
      protect: async (group, plaintext) => {
        const made = await engine.protect(group, plaintext);
        const content = decode(ContentSchema, plaintext, LIMITS.maxEntryBytes);
        const id = content.body.case === "text" ? toHex(content.id) : undefined;
        const leaves = content.body.case === "leave";
        this.#texts.set(hashed(made.message), { id, leaves, sender: device });
        if (id !== undefined && !this.authors.has(id)) this.authors.set(id, device);
        return made;
      },
    };
  }

  /** Takes what the server stored. */
  readonly stored = (stored: Stored): void => {
    if (stored.type === "log") return this.#newLog(stored.log, stored.epoch);
    const log = this.logs.get(stored.log);
    if (log === undefined) return;
    log.head = stored.seq;
    const hash = hashOf(stored.body);
    if (stored.kind === EntryKind.COMMIT) {
      const commit = this.#commits.get(hash);
      if (commit === undefined) log.unknown++;
      log.epoch = stored.epoch + 1;
      log.members.set(log.epoch, commit?.members ?? new Set());
      log.begins.set(log.epoch, stored.seq);
      for (const device of commit?.added ?? [])
        log.joins.push({ seq: stored.seq, device, by: commit?.by ?? "" });
      return;
    }
    const text = this.#texts.get(hash);
    if (text === undefined) log.unknown++;
    const { seq, epoch } = stored;
    if (text?.leaves === true) log.leaves.push({ seq, device: text.sender });
    if (text?.id === undefined) return;
    log.texts.push({ seq, epoch, id: text.id, sender: text.sender });
  };

  #newLog(id: string, epoch: number): void {
    const made = this.#made.get(id);
    // Side logs are no groups.
    if (made === undefined) return;
    const { members, by } = made;
    this.logs.set(id, {
      id,
      epoch,
      head: 0,
      members: new Map([[epoch, members]]),
      begins: new Map([[epoch, 0]]),
      joins: [...members].map((device) => ({ seq: 0, device, by })),
      texts: [],
      leaves: [],
      unknown: 0,
    });
  }
}
