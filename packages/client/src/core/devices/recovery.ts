/**
 * The recovery key: what an owner keeps on paper, and comes back with when every device is lost. It opens the account's backup, which the
 * server keeps and cannot read: the identity key, and the contacts and conversations with what was decided about them.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  LABELS,
  RecoveryBackupSchema,
  ValidationError,
  concatBytes,
  decode,
  equalBytes,
  utf8,
  type RecoveryBackup,
} from "@sotto/protocol";
import type { Engine } from "../engine.ts";
import type { Env } from "../env.ts";
import { allContacts } from "../people.ts";
import { names } from "../records.ts";
import { isReady, request } from "../session.ts";
import { nowSec, type Step } from "../step.ts";
import { formatCode, parseCode } from "./code.ts";
import { conversationStates } from "./history-export.ts";
import { contactState } from "./syncing.ts";

/** 160 bits: nobody guesses it, so it needs no slow derivation. */
const keyBytes = 20;
const nonceBytes = 12;
const mostContacts = 2_000;
const backupBytes = 524_288;

/** A recovery key. */
export interface RecoveryKey {
  /** Eight groups of four characters, for its owner to keep. */
  readonly text: string;
  /** What the backup is sealed with, 32 bytes: it comes from the text. */
  readonly backupKey: Uint8Array;
}

/** Makes a recovery key. */
export async function makeRecoveryKey(env: Env): Promise<RecoveryKey> {
  const secret = env.crypto.randomBytes(keyBytes);
  return { text: formatCode(secret), backupKey: await backupKeyOf(env, secret) };
}

/** A recovery key from what the owner typed, in the form in which it is shown. @throws ValidationError `recovery_key_wrong`. */
export async function readRecoveryKey(env: Env, typed: string): Promise<RecoveryKey> {
  let secret: Uint8Array;
  try {
    secret = parseCode(typed, keyBytes);
  } catch (cause) {
    throw new ValidationError("recovery_key_wrong", "that is no recovery key", { cause });
  }
  return { text: formatCode(secret), backupKey: await backupKeyOf(env, secret) };
}

const backupKeyOf = async (env: Env, secret: Uint8Array): Promise<Uint8Array> =>
  env.crypto.hkdfSha256(secret, new Uint8Array(), utf8(LABELS.recovery), 32);

/** The group of callers who wait until the server has the present backup. */
const BACKED_UP = "backed up";

/** Resolves when the server has the present backup, or took none. */
export async function backedUp(engine: Engine): Promise<void> {
  const { done } = await engine.run(async (step) => {
    const { backupDue, backingUp } = step.live.devices;
    return { done: backupDue || backingUp ? step.waiters.wait(BACKED_UP) : Promise.resolve() };
  });
  return done;
}

function settle(step: Step): void {
  if (step.live.devices.backupDue) return;
  step.effects.push({ type: "settle", settle: () => step.waiters.resolve(BACKED_UP) });
}

/** Gives the server the present backup when it has another one. */
export async function pumpBackup(step: Step): Promise<void> {
  const { devices, own } = step.live;
  if (!devices.backupDue || devices.backingUp || !isReady(step)) return;
  devices.backupDue = false;
  const contacts = [];
  for (const contact of await allContacts(step)) {
    const state = contactState(contact);
    if (state !== undefined && contacts.length < mostContacts) contacts.push(state);
  }
  const profile = await step.draft.get(names.profile);
  const content = {
    identityPrivateKey: own.identityKey.privateKey,
    identityPublicKey: own.identityKey.publicKey,
    contacts,
    conversations: (await conversationStates(step)).slice(0, mostContacts),
    ...(profile !== undefined && {
      profile: { name: profile.name, changedAtMs: BigInt(profile.changedAtMs) },
    }),
  };
  const hash = await step.env.crypto.sha256(
    toBinary(RecoveryBackupSchema, create(RecoveryBackupSchema, content)),
  );
  const before = await step.draft.get(names.backupHash);
  if (before !== undefined && equalBytes(before, hash)) return settle(step);
  const plaintext = toBinary(
    RecoveryBackupSchema,
    create(RecoveryBackupSchema, { ...content, madeAtSec: BigInt(nowSec(step)) }),
  );
  const nonce = step.env.crypto.randomBytes(nonceBytes);
  const sealed = await step.env.crypto.aesGcmSeal(own.backupKey, nonce, plaintext, utf8(LABELS.recovery));
  devices.backingUp = true;
  request(
    step,
    (number) => ({
      case: "putRecovery",
      value: { $typeName: "sotto.v1.PutRecovery", request: number, sealed: concatBytes(nonce, sealed) },
    }),
    async (later, answer) => {
      later.live.devices.backingUp = false;
      if (answer.type === "done") later.draft.put(names.backupHash, hash);
      if (answer.type !== "lost") settle(later);
    },
  );
}

/** Opens a backup. @throws ValidationError `recovery_key_wrong`. */
export async function openBackup(
  env: Env,
  backupKey: Uint8Array,
  backup: Uint8Array,
): Promise<RecoveryBackup> {
  try {
    const plaintext = await env.crypto.aesGcmOpen(
      backupKey,
      backup.subarray(0, nonceBytes),
      backup.subarray(nonceBytes),
      utf8(LABELS.recovery),
    );
    return decode(RecoveryBackupSchema, plaintext, backupBytes);
  } catch (cause) {
    throw new ValidationError("recovery_key_wrong", "that recovery key does not open the account's backup", {
      cause,
    });
  }
}
