/** Frames into WebSocket messages and addresses, within the protocol's bounds on bytes and frames: what every transport shares. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ClientFrameSchema,
  ClientFramesSchema,
  LIMITS,
  toBase64Url,
  type ClientFrame,
} from "@sotto/protocol";

// Tag and length of a frame inside its message.
const frameOverhead = 8;

/** The address of the session endpoint, with the message that holds a Hello in its query. */
export function sessionUrl(origin: string, hello: ClientFrame): string {
  const message = toBinary(ClientFramesSchema, create(ClientFramesSchema, { frames: [hello] }));
  return `${origin.replace(/^http/, "ws")}/v1/session?hello=${toBase64Url(message)}`;
}

/** As few messages (serialized ClientFrames) as the bounds allow, in order. */
export function messagesOf(frames: readonly ClientFrame[]): Uint8Array<ArrayBuffer>[] {
  const messages: Uint8Array<ArrayBuffer>[] = [];
  let gathered: ClientFrame[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (gathered.length === 0) return;
    messages.push(toBinary(ClientFramesSchema, create(ClientFramesSchema, { frames: gathered })));
    gathered = [];
    bytes = 0;
  };
  for (const frame of frames) {
    const length = toBinary(ClientFrameSchema, frame).length + frameOverhead;
    if (bytes + length > LIMITS.maxMessageBytes || gathered.length >= LIMITS.maxFramesPerMessage) flush();
    gathered.push(frame);
    bytes += length;
  }
  flush();
  return messages;
}
