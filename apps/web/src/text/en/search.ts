export const search = {
  filters: "Filters",
  conversation: "In which conversation",
  anyConversation: "All conversations",
  person: "From whom",
  anybody: "From anybody",
  me: "From me",
  files: "Files",
  date: "Date",
  since: "From",
  until: "To",
  conversations: "Conversations",
  allConversations: (n: number) => `Show all ${n}`,
  messages: "Messages",
  more: "Show more",
  building: "The index of your messages is being made. More is found in a moment.",
  damaged: "Your messages cannot be searched: one of them does not open.",
  found: (n: number, more: boolean) =>
    n === 0
      ? "No messages found"
      : n === 1
        ? "1 message"
        : more
          ? `The newest ${n} messages`
          : `${n} messages`,
} as const;
