/** What notifications say. */
export const notifications = {
  app: "Sotto",
  messages: (n: number) => (n === 1 ? "New message" : `${n} new messages`),
  joins: "Somebody asks to join",
  waiting: "New messages",
  file: "A file",
} as const;
