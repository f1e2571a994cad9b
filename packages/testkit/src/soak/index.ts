/** The model-based soak: MLS under everything at once, held against what the logs say. */
export { check } from "./check.ts";
export { COMMAND_KINDS, type CommandData, type CommandKind } from "./commands.ts";
export { newStage } from "./stage.ts";
export * from "./soak.ts";
