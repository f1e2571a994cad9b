/**
 * Every signature and derivation of Sotto names what it is for, so that none can be passed off as another.
 * What is signed is label || 0x00 || content. The classic message alone is signed as design.md §7 gives it.
 */
import { concatBytes, utf8 } from "./bytes.ts";

export const LABELS = {
  deviceList: "sotto/device-list/v1",
  challenge: "sotto/challenge/v1",
  serverCertificate: "sotto/server-certificate/v1",
  signIn: "sotto/sign-in/v1",
  registrationRequest: "sotto/registration/request/v1",
  registrationResponse: "sotto/registration/response/v1",
  directoryIdentifier: "sotto/directory/identifier/v1",
  oneTimePassword: "sotto/one-time-password/v1",
  vaultRecord: "sotto/vault/record/v1",
  vaultKeyName: "sotto/vault/key-name/v1",
  vaultWrap: "sotto/vault/wrap/v1",
  vaultPasskey: "sotto/vault/passkey/v1",
  linkOffer: "sotto/link/offer/v1",
  linkCode: "sotto/link/code/v1",
  safetyNumber: "sotto/safety-number/v1",
  inboxItem: "sotto/inbox/v1",
  accessToken: "sotto/access-token/v1",
  ephemeral: "sotto/ephemeral/v1",
  rejoin: "sotto/rejoin/v1",
  notMember: "sotto/not-member/v1",
  sideLog: "sotto/side-log/v1",
  linkAnswer: "sotto/link/answer/v1",
  recovery: "sotto/recovery/v1",
  deviceName: "sotto/device-name/v1",
  blob: "sotto/blob/v1",
  blobOwner: "sotto/blob/owner/v1",
  attachment: "sotto/attachment/v1",
  accountDeletion: "sotto/account-deletion/v1",
  backupWrap: "sotto/backup/wrap/v1",
  backupChunk: "sotto/backup/chunk/v1",
  groupLink: "sotto/group-link/v1",
  joinAsk: "sotto/group-link/ask/v1",
  joinAnswer: "sotto/group-link/answer/v1",
} as const;

/** One of the labels above. */
export type Label = (typeof LABELS)[keyof typeof LABELS];

const headOf = (label: Label): Uint8Array => concatBytes(utf8(label), new Uint8Array(1));
// Encoding one takes longer than all the copying.
const heads = new Map(Object.values(LABELS).map((label) => [label, headOf(label)]));

/** The bytes that are signed: label in UTF-8, a zero byte, the content. */
export function labelled(label: Label, ...content: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatBytes(heads.get(label) ?? headOf(label), ...content);
}
