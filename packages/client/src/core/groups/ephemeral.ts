/**
 * "Is typing" in conversations that MLS protects: sealed with a key from the MLS exporter, so that what is never stored takes nothing from
 * the message ratchets; signed by its device. Whatever is wrong with one, it is passed over.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { MlsGroup } from "@sotto/crypto";
import {
  EntryKind,
  EphemeralContentSchema,
  GroupEntrySchema,
  LABELS,
  SignedEphemeralSchema,
  SottoError,
  StorageError,
  concatBytes,
  decode,
  labelled,
  type Entry,
} from "@sotto/protocol";
import { isBarredAccount } from "../barred.ts";
import { bytesOf } from "../hex.ts";
import { isReady, request } from "../session.ts";
import { notify, type Step } from "../step.ts";
import { parseGroupEntry } from "./content.ts";
import { isRemovalDue } from "./leaves.ts";
import { accountOfMember } from "./membership.ts";
import { nameOfAccount } from "./naming.ts";
import { mlsOf, type GroupLive } from "./state.ts";
import { isLive } from "./level.ts";

const nonceBytes = 12;
const freshMs = 30_000;
const mostBytes = 1_024;

/** Tells those who are online that one is typing. */
export async function sendMlsTyping(step: Step, group: GroupLive): Promise<void> {
  if (!isReady(step) || !isLive(group) || (await isRemovalDue(step, group))) return;
  const { crypto } = step.env;
  const mls = await mlsOf(step, group);
  const sentAtMs = BigInt(step.env.nowMs());
  const content = toBinary(
    EphemeralContentSchema,
    create(EphemeralContentSchema, { sentAtMs, body: { case: "typing", value: {} } }),
  );
  const transcript = ephemeralTranscript(mls, mls.ownLeafIndex, content);
  const signature = await crypto.ed25519Sign(step.live.own.deviceKey.privateKey, transcript);
  const plaintext = toBinary(SignedEphemeralSchema, create(SignedEphemeralSchema, { content, signature }));
  const nonce = crypto.randomBytes(nonceBytes);
  const sealed = await crypto.aesGcmSeal(await keyOf(step, mls), nonce, plaintext, new Uint8Array());
  const item = { leafIndex: mls.ownLeafIndex, sealed: concatBytes(nonce, sealed) };
  const body = toBinary(
    GroupEntrySchema,
    create(GroupEntrySchema, { entry: { case: "ephemeral", value: item } }),
  );
  const { id, token, epoch } = group.record;
  request(
    step,
    (number) => ({
      case: "append",
      value: {
        $typeName: "sotto.v1.Append",
        request: number,
        logId: bytesOf(id),
        accessToken: token,
        epoch: BigInt(epoch),
        kind: EntryKind.EPHEMERAL,
        body,
        nextTokenHash: new Uint8Array(),
        wakes: false,
      },
    }),
    async () => {},
  );
}

/** Takes in what was fanned out. */
export async function takeEphemeral(step: Step, group: GroupLive, entry: Entry): Promise<void> {
  try {
    if (group.record.state !== "joined" || Number(entry.epoch) !== group.record.epoch) return;
    const body = parseGroupEntry(entry.body);
    if (body.case !== "ephemeral" || body.value.sealed.length > mostBytes) return;
    const mls = await mlsOf(step, group);
    const sender = mls.members.find(({ leafIndex }) => leafIndex === body.value.leafIndex);
    if (sender === undefined || accountOfMember(sender) === step.live.own.account) return;
    if (await isBarredAccount(step.draft, accountOfMember(sender))) return;
    const { sealed } = body.value;
    const plaintext = await step.env.crypto.aesGcmOpen(
      await keyOf(step, mls),
      sealed.subarray(0, nonceBytes),
      sealed.subarray(nonceBytes),
      new Uint8Array(),
    );
    const signed = decode(SignedEphemeralSchema, plaintext, mostBytes);
    const transcript = ephemeralTranscript(mls, sender.leafIndex, signed.content);
    if (!(await step.env.crypto.ed25519Verify(sender.signatureKey, transcript, signed.signature))) return;
    const content = decode(EphemeralContentSchema, signed.content, mostBytes);
    if (Math.abs(step.env.nowMs() - Number(content.sentAtMs)) > freshMs) return;
    if (content.body.case !== "typing") return;
    const from = await nameOfAccount(step, accountOfMember(sender));
    notify(step, {
      type: "typing",
      from,
      ...(group.record.kind === "group" && { groupId: group.record.id }),
    });
  } catch (cause) {
    if (cause instanceof StorageError || !(cause instanceof SottoError)) throw cause;
  }
}

const keyOf = (step: Step, mls: MlsGroup): Promise<Uint8Array> =>
  step.env.mls.exportSecret(mls, LABELS.ephemeral, new Uint8Array(), 32);

/** What the sender of an ephemeral item signs: where it belongs, and all of its content. */
export function ephemeralTranscript(
  group: Pick<MlsGroup, "groupId" | "epoch">,
  leafIndex: number,
  content: Uint8Array,
): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setBigUint64(0, BigInt(group.epoch));
  numbers.setUint32(8, leafIndex);
  return labelled(LABELS.ephemeral, group.groupId, new Uint8Array(numbers.buffer), content);
}
