/** How the server wakes this device while no face is open: by the push service of a browser (RFC 8030). */
import type { PushTarget } from "../../api.ts";
import type { Engine } from "../engine.ts";
import { request } from "../session.ts";
import { ask } from "./approving.ts";

/** Tells the server; undefined: it wakes this device no more. */
export async function setPush(engine: Engine, target: PushTarget | undefined): Promise<void> {
  const none = new Uint8Array();
  const { endpoint = "", p256dh = none, auth = none } = target ?? {};
  await ask(engine, (step, then) =>
    request(
      step,
      (number) => ({
        case: "putPush",
        value: { $typeName: "sotto.v1.PutPush", request: number, endpoint, p256dh, auth },
      }),
      then,
    ),
  );
}
