/** New identity keys, and people who see that somebody else's changed: until they say so, nothing is sent to that person. */
import type { SimulatedDevice } from "../simulation/index.ts";
import { begin } from "./people.ts";
import type { Action, Stage } from "./stage.ts";

/** Gives an account a new identity key. */
export function rotateIdentity(stage: Stage, device: SimulatedDevice): Action | undefined {
  if (stage.condemned.has(device.device)) return undefined;
  return () => {
    stage.rotated.add(device.account);
    begin(stage, device.up.rotateIdentity());
  };
}

/** Somebody accepts every identity key that changed. */
export async function acknowledge(stage: Stage, { up }: SimulatedDevice): Promise<void> {
  for (const { identityChanged, identifier } of await up.contacts()) {
    if (identityChanged) begin(stage, up.acknowledgeIdentity(identifier));
  }
}
