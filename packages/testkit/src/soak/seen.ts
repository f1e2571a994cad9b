/** What checks look at. */
import type { Message, Messenger } from "@sotto/client";
import type { GroupRecord } from "@sotto/client/parts";
import type { SimulatedDevice } from "../simulation/index.ts";
import type { Stage } from "./stage.ts";

/** A device with the groups that it knows, and what it shows. */
export interface Seen {
  readonly device: SimulatedDevice;
  readonly groups: ReadonlyMap<string, GroupRecord>;
  /** A conversation as it is shown; empty where the device knows none. It is read once. */
  readonly history: (conversation: string) => Promise<readonly Message[]>;
}

/** Looks at a running device. */
export async function see(device: SimulatedDevice): Promise<Seen> {
  const { up } = device;
  const groups = new Map((await device.groups()).map((group) => [group.id, group]));
  const read = new Map<string, Promise<readonly Message[]>>();
  const history = (conversation: string): Promise<readonly Message[]> => {
    const known = read.get(conversation) ?? historyOf(up, conversation);
    read.set(conversation, known);
    return known;
  };
  return { device, groups, history };
}

/** A conversation as it is shown; empty where a device knows none. */
export async function historyOf(up: Messenger, conversation: string): Promise<readonly Message[]> {
  try {
    return await up.history(conversation, { limit: 100_000 });
  } catch (error) {
    if (["contact_unknown", "group_unknown"].includes((error as { code?: string }).code ?? "")) return [];
    throw error;
  }
}

/** Every text in a log: its id, and the device that wrote it. */
export const textsOf = ({ world }: Stage): ReadonlyMap<string, string> =>
  new Map(
    [...world.witness.logs.values()]
      .flatMap(({ texts }) => texts.map(({ id, sender }) => [id, sender] as const))
      // Any device of its account may send it once more: whoever did first wrote it.
      .toReversed(),
  );

/** Whether one list is in the order of another, which holds all of it. */
export function isInOrder(shown: readonly string[], order: readonly string[]): boolean {
  const places = new Map(order.map((id, place) => [id, place]));
  const found = shown.flatMap((id) => places.get(id) ?? []);
  return found.every((place, i) => i === 0 || place > (found[i - 1] as number));
}
