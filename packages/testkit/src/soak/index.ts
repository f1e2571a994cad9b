/** The model-based soak: MLS under everything at once, held against what the logs say. */
export { COMMAND_KINDS, type Command, type CommandKind } from "./commands.ts";
export * from "./soak.ts";
