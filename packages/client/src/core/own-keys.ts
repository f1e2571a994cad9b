/** Which of this device's RSA keys does what: the newest published one signs; retired ones still open what is under way. */
import { InternalError } from "@sotto/protocol";
import type { OwnAccount, OwnClassicKey } from "./records.ts";

/** The pair that signs now: the newest one that the server has. */
export function signingKey(own: OwnAccount): OwnClassicKey {
  const key = own.classicKeys.at(-1);
  if (key === undefined) throw new InternalError("internal", "the vault holds no key");
  return key;
}

/** Private keys that may open a message, the likeliest first. One on its way to the server may be published already. */
export function openingKeys(own: OwnAccount): readonly Uint8Array[] {
  const published = own.classicKeys.map((key) => key.privateKey).toReversed();
  const change = own.proposal?.change;
  return change?.type === "classic-key" ? [...published, change.newKey.privateKey] : published;
}

/** Whether signing must wait, since the present key is being revoked and may be refused already. */
export function isSigningPaused(own: OwnAccount): boolean {
  const change = own.proposal?.change;
  return change?.type === "classic-key" && change.oldKeys === "revoked";
}
