/** Reactions, edits and what was taken back: whoever was in a group from before a message shows it as all the others do. */
import type { Message } from "@sotto/client";
import type { WitnessedLog } from "../simulation/index.ts";
import type { Seen } from "./seen.ts";
import type { Stage } from "./stage.ts";

const look = ({ body, deleted, reactions = [] }: Message): string => {
  const said = reactions.map(({ from, emoji }) => `${from} ${emoji}`).toSorted();
  return `${deleted === true ? "taken back" : body} [${said.join(", ")}]`;
};

/** Compares what devices show of the messages of a group that they have read from the log without a break. */
export async function checkChanges(
  stage: Stage,
  log: WitnessedLog,
  present: readonly Seen[],
): Promise<readonly string[]> {
  // What a revoked device wrote last is refused by those alone who knew.
  if (stage.revoked.size > 0) return [];
  const seqs = new Map(log.texts.map(({ id, seq }) => [id, seq]));
  const looks = new Map<string, Map<string, string>>();
  for (const { device, groups, history } of present) {
    if (groups.get(log.id)?.state !== "joined" || stage.tampered.has(device)) continue;
    const joined = log.joins.findLast((join) => join.device === device.device);
    for (const message of await history(log.id)) {
      if (joined === undefined || (seqs.get(message.id) ?? -1) <= joined.seq) continue;
      const found = looks.get(message.id) ?? new Map<string, string>();
      looks.set(message.id, found.set(look(message), device.label));
    }
  }
  return [...looks]
    .filter(([, found]) => found.size > 1)
    .map(([id, found]) => `${id} differs: ${[...found].map(([is, by]) => `${by} shows ${is}`).join("; ")}`);
}
