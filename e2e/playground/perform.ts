/** Has the people of the playground say what a year brings, through the real protocol: every line is encrypted, sent, received and read. */
import type { PretendClock } from "./clock.ts";
import { cast, circles, everybody, type Who } from "./cast.ts";
import { paintSunset } from "./picture.ts";
import type { Person } from "./people.ts";
import type { Said } from "./year.ts";

/** Lines at the end that Ann has not read yet. */
const unread = 4;

/** Everybody by name. */
export type People = ReadonlyMap<Who, Person>;

const of = (people: People, who: Who): Person => {
  const person = people.get(who);
  if (person === undefined) throw new Error(`${who} is not there`);
  return person;
};

/** Groups are made, everybody says hello to those they will write with, and Ann and Ben have compared their safety number. */
export async function getAcquainted(people: People): Promise<void> {
  for (const { name, members } of circles) {
    const [first, ...others] = members;
    await of(people, first).messenger.createGroup(
      name,
      others.map((who) => cast[who]),
    );
  }
  for (const who of everybody) {
    await until(async () => {
      const groups = await of(people, who).messenger.groups();
      return (
        groups.length >= circles.filter(({ members }) => (members as readonly Who[]).includes(who)).length
      );
    });
  }
  // Whoever shares a group with somebody unknown is asked first: here all know each other.
  for (const person of people.values()) {
    for (const { peer, group, request } of await person.messenger.conversations()) {
      if (request !== undefined) await person.messenger.acceptRequest(group?.id ?? peer);
    }
  }
}

/** Says it all. @param told after each line, with how many were said. */
export async function perform(
  people: People,
  lines: readonly Said[],
  clock: PretendClock,
  told: (count: number) => void,
): Promise<void> {
  /** The newest line of each conversation. */
  const last = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    clock.goTo(line.atMs);
    const key = keyOf(line);
    const before = last.get(key);
    const sender = of(people, line.from);
    const message = await sender.messenger.send(
      addressOf(line.to),
      line.text,
      line.answers && before !== undefined ? { replyTo: before } : {},
    );
    last.set(key, message.id);
    await Promise.all(line.others.map((other) => of(people, other).heard(message.id)));
    for (const other of line.others) {
      if (other === "Ann" && index >= lines.length - unread) continue;
      await of(people, other).messenger.markRead(conversationOf(line));
    }
    for (const [who, emoji] of line.reactions) {
      await of(people, who).messenger.react(
        who === line.from ? addressOf(line.to) : conversationOf(line),
        message.id,
        emoji,
      );
    }
    told(index + 1);
  }
  for (const person of people.values()) await person.messenger.flushed();
}

/** What a newcomer looks for: a pinned and a muted conversation, a nickname, a picture, a draft, somebody verified. */
export async function furnish(people: People): Promise<void> {
  const { messenger } = of(people, "Ann");
  // In a short past she may have written to some of them never.
  for (const who of ["Ben", "Ella", "Lotte"] as const) await messenger.contact(cast[who]);
  await of(people, "Ben").messenger.contact(cast.Ann);
  await messenger.updateConversation(cast.Ben, { pinned: true });
  await messenger.updateConversation("Kitchen rebuild", { mutedUntil: Number.MAX_SAFE_INTEGER });
  await messenger.updateConversation(cast.Ella, { draft: "About the book: " });
  await messenger.setNickname(cast.Lotte, "Oma Lotte");
  await messenger.setVerified(cast.Ben, true);
  await of(people, "Ben").messenger.setVerified(cast.Ann, true);
  const { png, ...shown } = paintSunset();
  await of(people, "Finn").messenger.send("Sunday harbour walk", "This morning, from the pier", {
    attachments: [
      {
        name: "pier.png",
        source: {
          size: png.length,
          read: async (offset, length) => png.slice(offset, offset + length),
        },
        ...shown,
      },
    ],
  });
  for (const person of people.values()) await person.messenger.flushed();
}

const isPerson = (to: string): to is Who => Object.hasOwn(cast, to);
const addressOf = (to: string): string => (isPerson(to) ? cast[to] : to);
/** What whoever hears it calls the conversation. */
const conversationOf = ({ to, from }: Said): string => (isPerson(to) ? cast[from] : to);
const keyOf = ({ to, from }: Said): string => (isPerson(to) ? [from, to].toSorted().join(" ") : to);

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((later) => setTimeout(later, 20));
}
