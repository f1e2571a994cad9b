/** The group of an account's own devices, and sending in it. A device alone has nobody to tell, and no such group. */
import { create, toBinary } from "@bufbuild/protobuf";
import { AccountSyncSchema, type AccountSync } from "@sotto/protocol";
import { enqueueMls } from "../groups/queue.ts";
import type { GroupLive } from "../groups/state.ts";
import type { Step } from "../step.ts";

type Change = Exclude<AccountSync["change"], { case: undefined }>;

/** The group of the account's devices, the one that all prefer: the lowest id. */
export function accountGroup(step: Pick<Step, "live">): GroupLive | undefined {
  return [...step.live.groups.byId.values()]
    .filter(({ record }) => record.kind === "account" && ["creating", "joined"].includes(record.state))
    .toSorted((a, b) => (a.record.id < b.record.id ? -1 : 1))[0];
}

/** Tells the other devices something; false when there is none to tell. */
export async function sendSync(step: Step, change: Change): Promise<boolean> {
  const group = accountGroup(step);
  if (group === undefined) return false;
  const sync = toBinary(AccountSyncSchema, create(AccountSyncSchema, { change }));
  await enqueueMls(step, group.record.conversation, { type: "sync", sync });
  return true;
}

/** Tells the other devices the present identity key, which the list names now. */
export async function tellIdentity(step: Step): Promise<void> {
  const { privateKey, publicKey } = step.live.own.identityKey;
  await sendSync(step, {
    case: "identity",
    value: { $typeName: "sotto.v1.IdentityRotation", privateKey, publicKey },
  });
}
