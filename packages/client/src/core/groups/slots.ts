/** Giving up the reader slot of a log. */
import { bytesOf } from "../hex.ts";
import { isReady, request } from "../session.ts";
import type { Step } from "../step.ts";
import type { GroupLive } from "./state.ts";

/** Stops reading a log for good, and tells the server that the slot is not needed. */
export function closeSlot(step: Step, group: GroupLive): void {
  group.reader.phase = "detached";
  if (!isReady(step)) return;
  request(
    step,
    (number) => ({
      case: "closeSlot",
      value: {
        $typeName: "sotto.v1.CloseSlot",
        request: number,
        logId: bytesOf(group.record.id),
        slotId: bytesOf(group.record.slot),
      },
    }),
    async () => {},
  );
}
