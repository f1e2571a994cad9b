/**
 * Messages as text that people and programs can read: lines, rows, and a copy of the history as JSON, HTML or plain text. Pure, and of
 * nothing but the SDK's types: the terminal and the web app write the same.
 */
export * from "./readable/attachments.ts";
export * from "./readable/collecting.ts";
export type * from "./readable/exported-history.ts";
export * from "./readable/html.ts";
export * from "./readable/json.ts";
export * from "./readable/message.ts";
export * from "./readable/message-marks.ts";
export * from "./readable/sanitise.ts";
export * from "./readable/text.ts";
