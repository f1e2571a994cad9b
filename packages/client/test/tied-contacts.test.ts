/** What another of the own devices says about a contact ties an identifier to its account: what lies under either is one conversation then. */
import { SimulatedWorld } from "@sotto/testkit/simulation";
import { expect, test } from "vitest";
import { nodeEnv } from "../src/adapters/node/env.ts";
import { ensureContact, findContact } from "../src/core/contacts.ts";
import { takeContact } from "../src/core/devices/syncing.ts";
import { startEngine } from "../src/core/engine.ts";

test("a contact that was written to by identifier and heard from by account becomes one, with the messages of both", async () => {
  const world = await SimulatedWorld.make(3);
  const [ann, ben] = [await world.device("+15551230001"), await world.device("+15551230002")];
  const engine = await startEngine(ann.stored, undefined, nodeEnv());
  const { account, identifier } = ben;
  const [found, both] = await engine.run(async (step) => {
    const heard = await ensureContact(step, { account });
    const written = await ensureContact(step, { identifier });
    const acceptedKey = new Uint8Array(32);
    const accountId = Buffer.from(account, "hex");
    await takeContact(step, { accountId, identifier, acceptedKey, verified: false });
    const ways = [await findContact(step.draft, { account }), await findContact(step.draft, { identifier })];
    return [ways, [...written.conversations, ...heard.conversations]] as const;
  });
  for (const contact of found) expect(contact).toMatchObject({ account, identifier, conversations: both });
});
