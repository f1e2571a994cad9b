/** How a conversation is called on the screen. */
import type { ConversationSummary, Group } from "@sotto/client";
import { sanitiseLine } from "@sotto/client/readable";

/** A contact's identifier, or a group's name after a "#": no group can pass for a person. */
export const titleOf = ({ peer, group }: ConversationSummary): string =>
  group === undefined ? sanitiseLine(peer) : groupTitle(group.name);

/** A group's name, marked as such. */
export const groupTitle = (name: string): string => `# ${sanitiseLine(name)}`;

/** What is said of a group that is not simply in use. */
export const groupStates: Readonly<Record<Exclude<Group["state"], "joined">, string>> = {
  left: "you left",
  removed: "you were removed",
  healing: "is being put right \u2026",
};
