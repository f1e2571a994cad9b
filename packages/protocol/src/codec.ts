/**
 * Decoding of what comes from outside: bounded in bytes and in fields before it is parsed, and failing with CodecError
 * only. Schemas have no recursive messages, so their depth is bounded by the schema itself.
 */
import { type DescMessage, type MessageShape, fromBinary } from "@bufbuild/protobuf";
import { CodecError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { scanMessage } from "./scan.ts";

/**
 * Parses one protobuf message of at most `maxBytes` (default: LIMITS.maxMessageBytes). Byte fields are views into `bytes`.
 * Unknown fields are skipped, so that newer peers can add some. At most LIMITS.maxFieldsPerMessage fields at all depths.
 * @throws CodecError `too_large` or `malformed`.
 */
export function decode<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
  maxBytes: number = LIMITS.maxMessageBytes,
): MessageShape<Schema> {
  if (bytes.length > maxBytes) {
    throw new CodecError(
      "too_large",
      `${schema.name} has ${bytes.length} bytes; at most ${maxBytes} are allowed`,
    );
  }
  const problem = scanMessage(schema, bytes, LIMITS.maxFieldsPerMessage);
  if (problem !== undefined) throw new CodecError(problem, `not a ${schema.name} that can be read`);
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new CodecError("malformed", `not a valid ${schema.name}`, { cause });
  }
}
