/** What is being done in the open conversation: the message that is answered, or changed. */
import type { Message } from "@sotto/client/web";
import { createContext, use } from "react";

/** What the composer writes. */
export type Writing =
  | { readonly kind: "new" }
  | { readonly kind: "reply"; readonly to: Message }
  | { readonly kind: "edit"; readonly of: Message };

/** What messages can be told to do. */
export interface MessageActions {
  reply(message: Message): void;
  edit(message: Message): void;
  /** Of one that failed. */
  sendAgain(message: Message): void;
  forward(message: Message): void;
  react(message: Message, emoji: string): void;
  deleteForMe(message: Message): void;
  deleteForEveryone(message: Message): void;
  info(message: Message): void;
  /** Shows a message of this conversation. */
  show(id: string): void;
}

const Context = createContext<MessageActions | undefined>(undefined);

/** Gives messages their actions. */
export const MessageActionsProvider = Context;

/** The actions. */
export function useMessageActions(): MessageActions {
  const actions = use(Context);
  if (actions === undefined) throw new Error("outside of a conversation");
  return actions;
}
