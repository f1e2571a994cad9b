/** Serializing and reading the frames of a session, for tools that speak for a client or sit between the two sides. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type ClientFrame,
  ClientFrameSchema,
  ClientFramesSchema,
  type ServerFrame,
  ServerFrameSchema,
  ServerFramesSchema,
  decode,
} from "@sotto/protocol";
import type { MessageInitShape } from "@bufbuild/protobuf";

/** What a frame is made of, without its protobuf type. */
export type ClientFrameInit = MessageInitShape<typeof ClientFrameSchema>["frame"];
export type ServerFrameInit = MessageInitShape<typeof ServerFrameSchema>["frame"];

/** A client's frame. */
export function clientFrame(frame: NonNullable<ClientFrameInit>): ClientFrame {
  return create(ClientFrameSchema, { frame });
}

/** A server's frame. */
export function serverFrame(frame: NonNullable<ServerFrameInit>): ServerFrame {
  return create(ServerFrameSchema, { frame });
}

export const encodeClientFrames = (frames: readonly ClientFrame[]): Uint8Array<ArrayBuffer> =>
  toBinary(ClientFramesSchema, create(ClientFramesSchema, { frames: [...frames] }));

export const encodeServerFrames = (frames: readonly ServerFrame[]): Uint8Array<ArrayBuffer> =>
  toBinary(ServerFramesSchema, create(ServerFramesSchema, { frames: [...frames] }));

/** @throws CodecError */
export const decodeClientFrames = (bytes: Uint8Array): ClientFrame[] =>
  decode(ClientFramesSchema, bytes).frames;

/** @throws CodecError */
export const decodeServerFrames = (bytes: Uint8Array): ServerFrame[] =>
  decode(ServerFramesSchema, bytes).frames;
