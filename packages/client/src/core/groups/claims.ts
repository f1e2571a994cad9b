/**
 * Identifiers that senders claim: asked of the directory once, before anything of theirs is shown under it. A claim that is not true
 * is remembered as refuted, and the sender is shown under the account id.
 */
import { TransportError } from "@sotto/protocol";
import { bindIdentifier, ensureContact, findContact, putContact } from "../contacts.ts";
import { lookUp, type Found } from "../lookups.ts";
import type { Step } from "../step.ts";

const putOffMs = 300_000;

/** Whether a claim must be asked for before the message is shown. */
export async function isClaimOpen(step: Step, account: string, claim: string | undefined): Promise<boolean> {
  if (claim === undefined || account === step.live.own.account) return false;
  const contact = await findContact(step.draft, { account });
  if (contact?.identifier !== undefined || contact?.refutedClaim === claim) return false;
  return step.env.nowMs() >= (step.live.claimsPutOff.get(account) ?? 0);
}

/** Asks for a claim, and goes on whatever the answer is. */
export async function askClaim(
  step: Step,
  account: string,
  claim: string,
  then: (step: Step) => Promise<void>,
): Promise<void> {
  const onFound = async (later: Step, found: Found): Promise<void> => {
    if (found.type === "found" && found.account === account) {
      await bindIdentifier(later, claim, account);
    } else if (found.type === "failed" && found.error instanceof TransportError) {
      // The entry comes again with the next connection, and the claim is asked for then.
    } else if (found.type === "failed") {
      // The name can wait, the message need not: it is shown under the account's id, and the claim asked for with a later one.
      later.live.claimsPutOff.set(account, later.env.nowMs() + putOffMs);
    } else {
      putContact(later, { ...(await ensureContact(later, { account })), refutedClaim: claim });
    }
    await then(later);
  };
  await lookUp(step, { identifier: claim }, onFound, "contact");
}
