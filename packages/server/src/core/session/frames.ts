/** The frames that a session says seldom, serialized by the generated encoder. */
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { ServerFrameSchema, type AccountDeletion, type Problem } from "@sotto/protocol";

/** What a ServerFrame is made of. */
export type FrameInit = NonNullable<MessageInitShape<typeof ServerFrameSchema>["frame"]>;

/** A serialized ServerFrame. */
export function encodeFrame(frame: FrameInit): Uint8Array {
  return toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame }));
}

/** Refused. @param request 0 for frames without a number. */
export function refusedFrame(request: number, problem: Problem): Uint8Array {
  return encodeFrame({ case: "refused", value: { request, problem } });
}

/** Goodbye. @param deletion with `account_deleted`. */
export function goodbyeFrame(problem: Problem, deletion?: AccountDeletion): Uint8Array {
  return encodeFrame({ case: "goodbye", value: { problem, ...(deletion && { deletion }) } });
}
