/** Whoever is not played by a visitor answers, so that the playground lives. */
import type { Message } from "@sotto/client/node";
import { circles, type Who } from "./cast.ts";
import type { Person } from "./people.ts";
import type { People } from "./perform.ts";
import { answers } from "./talk.ts";

/** Milliseconds that somebody types. */
const typingMs = 1_500;

/** Has everybody but `visitors` answer what visitors write from now on. Returns how to end that. */
export function answerVisitors(people: People, visitors: readonly Who[]): () => void {
  const numbers = new Set(visitors.map((who) => people.get(who)?.identifier));
  const stops: (() => void)[] = [];
  let turn = 0;
  for (const [who, person] of people) {
    if (visitors.includes(who)) continue;
    stops.push(
      person.messenger.subscribe((event) => {
        if (event.type !== "message" || event.message.direction !== "in") return;
        const { message } = event;
        if (!numbers.has(message.from) || !isTurnOf(who, message)) return;
        void answer(person, message, answers[turn++ % answers.length] ?? "Yes!");
      }),
    );
  }
  return () => stops.forEach((stop) => stop());
}

/** In a group, the first who is no visitor answers. */
function isTurnOf(who: Who, { groupId, conversation }: Message): boolean {
  if (groupId === undefined) return true;
  const circle = circles.find(({ name }) => name === conversation);
  return (
    circle === undefined || circle.members.find((member) => member !== "Ann" && member !== "Ben") === who
  );
}

async function answer({ messenger }: Person, message: Message, text: string): Promise<void> {
  const where = message.groupId ?? message.from;
  try {
    await messenger.markRead(where);
    await messenger.sendTyping(where);
    await new Promise((later) => setTimeout(later, typingMs));
    await messenger.send(where, text);
  } catch {
    // The playground ends, or the visitor blocked them.
  }
}
