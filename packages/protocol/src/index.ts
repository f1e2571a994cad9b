/** What travels between clients and servers: messages, ids, limits, labels, errors. Pure. */
export * from "./bytes.ts";
export * from "./codec.ts";
export * from "./error-codes.ts";
export * from "./errors.ts";
export * from "./identifier.ts";
export * from "./ids.ts";
export * from "./invite.ts";
export * from "./labels.ts";
export * from "./limits.ts";
export * from "./transcript.ts";
export * from "./gen/sotto/v1/directory_pb.js";
export * from "./gen/sotto/v1/inbox_pb.js";
export * from "./gen/sotto/v1/log_pb.js";
export * from "./gen/sotto/v1/problem_pb.js";
export * from "./gen/sotto/v1/registration_pb.js";
export * from "./gen/sotto/v1/session_pb.js";
