export const search = {
  filters: "Filter",
  conversation: "In welcher Unterhaltung",
  anyConversation: "Alle Unterhaltungen",
  person: "Von wem",
  anybody: "Von allen",
  me: "Von mir",
  files: "Dateien",
  date: "Datum",
  since: "Von",
  until: "Bis",
  conversations: "Unterhaltungen",
  allConversations: (n: number) => `Alle ${n} zeigen`,
  messages: "Nachrichten",
  more: "Mehr zeigen",
  building: "Das Verzeichnis deiner Nachrichten wird angelegt. Gleich wird mehr gefunden.",
  damaged: "Deine Nachrichten lassen sich nicht durchsuchen: Eine davon geht nicht auf.",
  found: (n: number, more: boolean) =>
    n === 0
      ? "Keine Nachrichten gefunden"
      : n === 1
        ? "1 Nachricht"
        : more
          ? `Die neuesten ${n} Nachrichten`
          : `${n} Nachrichten`,
};
