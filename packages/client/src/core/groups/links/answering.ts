/** Telling a device that its account is not let into a group by the request that it made. Whoever is let in gets a Welcome. */
import { create, toBinary } from "@bufbuild/protobuf";
import { JoinAnsweredSchema, SealedContentSchema, toHex, type JoinVerdict } from "@sotto/protocol";
import { bytesOf } from "../../hex.ts";
import type { Step } from "../../step.ts";
import { devicesOf } from "../inviting.ts";
import { putGroup, wakeGroup, type GroupLive } from "../state.ts";
import { sealedItem } from "../welcoming.ts";
import { answerTranscript } from "./link.ts";
import type { JoinRequestRecord } from "./records.ts";

/** Leaves word with the device that asked. Whoever has no such device any more need not hear it. */
export async function answer(
  step: Step,
  group: GroupLive,
  request: Pick<JoinRequestRecord, "link" | "secret" | "account" | "device" | "askedAtMs">,
  verdict: JoinVerdict,
): Promise<void> {
  const { own } = step.live;
  const asker = (await devicesOf(step, request.account)).find(
    (one) => toHex(one.deviceId) === request.device,
  );
  if (asker === undefined) return;
  const answered = toBinary(
    JoinAnsweredSchema,
    create(JoinAnsweredSchema, {
      linkId: bytesOf(request.link),
      askerAccountId: bytesOf(request.account),
      askedAtMs: BigInt(request.askedAtMs),
      verdict,
      accountId: bytesOf(own.account),
      deviceId: bytesOf(own.device),
    }),
  );
  const transcript = answerTranscript(request.secret, answered);
  const signature = await step.env.crypto.ed25519Sign(own.deviceKey.privateKey, transcript);
  const content = create(SealedContentSchema, {
    content: { case: "joinAnswer", value: { $typeName: "sotto.v1.JoinAnswer", answered, signature } },
  });
  const item = await sealedItem(step, asker.inboxKey, content);
  const task = { type: "inbox" as const, inbox: toHex(asker.inboxId), item };
  putGroup(step, group, { tasks: [...group.record.tasks, task] });
  wakeGroup(step, group.record.id);
}
