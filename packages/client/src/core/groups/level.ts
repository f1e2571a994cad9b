/** Where reading a log stands: whether it is read at all, and whether everything in it was taken in. */
import type { Step } from "../step.ts";
import type { GroupLive } from "./state.ts";

/** Whether a group's log is to be read. */
export const isRead = ({ record }: GroupLive): boolean =>
  record.state === "joined" &&
  !record.tasks.some((task) => task.type === "create-log" || isOwnSlot(record, task));

function isOwnSlot(record: GroupLive["record"], task: GroupLive["record"]["tasks"][number]): boolean {
  return task.type === "open-slot" && task.slot === record.slot;
}

/** Whether everything that the log held when it was attached was taken in. */
export const isLevel = ({ reader, record }: GroupLive): boolean =>
  reader.phase === "attached" &&
  reader.waiting.length === 0 &&
  record.cursor >= reader.head &&
  record.epoch >= reader.epoch;

/** Whether new entries may be made: nothing that would make them stale is known to lie before them. */
export const isLive = (group: GroupLive): boolean => group.record.state === "joined" && isLevel(group);

/** Whether nothing of what the logs held at the time of connecting waits any more. */
export function groupsCaughtUp(step: Step): boolean {
  return [...step.live.groups.byId.values()].every(
    (group) => group.reader.caughtUp || group.record.state !== "joined" || !isRead(group),
  );
}
