/** The model-based soak: MLS under everything at once, held against what the logs say. */
export { check } from "./check.ts";
export { COMMAND_KINDS, newStage, type Command, type CommandKind } from "./commands.ts";
export * from "./soak.ts";
