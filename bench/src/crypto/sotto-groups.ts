/** What Sotto does in groups of a given size, and with somebody new: time, bytes, and the state on disk. */
import type { MlsCiphersuite } from "@sotto/crypto";
import { toHex } from "@sotto/protocol";
import { type Guest, accept, join, newDevice, newGroup, process, publish } from "./devices.ts";
import { type MessageRun, type Seat, WAYS, measureMessages } from "./sotto-messages.ts";
import { putDelta, putEpoch } from "./vault.ts";

/** Measures a group of `run.members`. @param guests at least that many; the last ones may have been used before. */
export async function measureGroup(
  run: MessageRun,
  ciphersuite: MlsCiphersuite,
  guests: readonly Guest[],
  everyWay: boolean,
): Promise<void> {
  const { notebook, system, members, vault } = run;
  const time = <T>(task: string, work: () => Promise<T>) => notebook.time(system, members, task, work);
  const bytes = (task: string, value: number) => notebook.bytes(system, members, task, value);
  const founder = await newDevice(0);
  const { engine } = founder;

  const alone = await time("create", () => newGroup(founder, ciphersuite));
  const invited = guests.slice(0, members - 1);
  const accepted = await time("accept all", () => accept(founder, ciphersuite, invited));
  const all = await time("add all", () => engine.commit(alone, { add: accepted }));
  bytes("Commit that adds all", all.commit.length);
  bytes("Welcome", all.welcomes[0]!.length);
  bytes("tree beside it", all.tree.length);

  const friend = invited.at(-1)!;
  let theirs = await time("join", () => join(friend, all.welcomes.at(-1)!, Uint8Array.from(all.tree)));

  const before = vault.written();
  await time("store an epoch", async () => {
    const draft = vault.store.draft();
    await putEpoch(draft, toHex(theirs.groupId), friend.device.engine.snapshot(theirs));
    await draft.commit();
  });
  bytes("state on disk", vault.written() - before);

  const late = guests[members - 1]!;
  const [one] = await accept(founder, ciphersuite, [late]);
  const added = await time("add one", () => engine.commit(all.next, { add: [one!] }));
  bytes("Commit that adds one", added.commit.length);

  const update = await time("own update", () => engine.commit(all.next, {}));
  bytes("Commit that updates", update.commit.length);
  theirs = await time("process an update", () => process(friend.device, theirs, update.commit));

  const sender: Seat = { device: founder, group: update.next };
  const receiver: Seat = { device: friend.device, group: theirs };
  await measureMessages(run, sender, receiver, everyWay ? WAYS : WAYS.slice(0, 1));
}

/**
 * The first message to somebody new, without the network: their KeyPackage is read and verified, a group made, a Commit that adds them,
 * the Welcome, and the message; then what they do with it.
 */
export async function measureFirst(run: MessageRun, ciphersuite: MlsCiphersuite): Promise<void> {
  const { notebook, system, vault, text } = run;
  const times = Math.max(1, Math.round(run.messages / 16));
  const founder = await newDevice(0);
  const guests: Guest[] = [];
  for (let n = 1; n <= 2 * times; n++) {
    const device = await newDevice(n);
    guests.push({ device, published: await publish(device, ciphersuite) });
  }
  const begin = async (guest: Guest) => {
    const add = await accept(founder, ciphersuite, [guest]);
    const made = await founder.engine.commit(await newGroup(founder, ciphersuite), { add });
    return { made, sent: await founder.engine.protect(made.next, text) };
  };

  const begun: Awaited<ReturnType<typeof begin>>[] = [];
  await notebook.mean(system, 2, "first message", times, async (i) => {
    begun.push(await begin(guests[i]!));
  });
  await notebook.mean(system, 2, "first message read", times, async (i) => {
    const { made, sent } = begun[i]!;
    const group = await join(guests[i]!, made.welcomes[0]!, made.tree);
    const opened = await guests[i]!.device.engine.unprotect(group, sent.message);
    if (opened.type !== "application") throw new Error("not a message");
  });
  await notebook.mean(system, 2, "first message, stored", times, async (i) => {
    const { made, sent } = await begin(guests[times + i]!);
    const id = toHex(made.next.groupId);
    const draft = vault.store.draft();
    await putEpoch(draft, id, founder.engine.snapshot(made.next));
    putDelta(draft, id, sent.delta);
    draft.putItem({ list: "first" }, i, {
      commit: made.commit,
      welcome: made.welcomes[0],
      body: sent.message,
    });
    await draft.commit();
  });
}
