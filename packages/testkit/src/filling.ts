/**
 * Fills a vault with years of conversations, through the core's own steps: every record, list and index is what the client itself would have
 * made of these messages. For measurements and for tests of large vaults, in Node and in browsers.
 */
import {
  acceptContact,
  addMessage,
  bindIdentifier,
  type Engine,
  type MessageRecord,
} from "@sotto/client/core-parts";
import { SeededRandom } from "./random.ts";

/** What a vault is filled with. */
export interface Filling {
  readonly seed: number;
  /** How many messages each person's conversation has; the first is the longest, by habit. */
  readonly conversations: readonly number[];
  /** Seconds since 1970-01-01 UTC, of the newest message. */
  readonly untilSec: number;
}

/** Somebody in a filled vault. */
export interface FilledPerson {
  readonly identifier: string;
  readonly account: string;
}

const stepMessages = 200;
const betweenSec = 97;
const syllables = "ba de fi go lu ma ne pi ro su ta ve wi zo ka le mi no ru sa".split(" ");
const knownWords = 20_000;

/** The people of a filling, in the order of its conversations. */
export const peopleOf = ({ conversations }: Pick<Filling, "conversations">): readonly FilledPerson[] =>
  conversations.map((_, i) => ({
    identifier: `+1556${String(i).padStart(7, "0")}`,
    account: (i + 1).toString(16).padStart(32, "f"),
  }));

/** A text as people write them: 1 to 24 words, few of them often and most of them rarely. */
export function textOf(random: SeededRandom): string {
  const words: string[] = [];
  for (let left = 1 + random.integer(12) + random.integer(13); left > 0; left--) {
    // Zipf's law, roughly.
    words.push(wordOf(Math.floor(knownWords ** random.float())));
  }
  return words.join(" ");
}

/** The word of that rank, of two to five syllables. */
export function wordOf(rank: number): string {
  let word = "";
  for (let left = rank + syllables.length; left > 0; left = Math.floor(left / syllables.length)) {
    word = (syllables[left % syllables.length] ?? "") + word;
  }
  return word;
}

/** Writes it all. @param onProgress how many messages are there. */
export async function fillVault(
  engine: Engine,
  filling: Filling,
  onProgress: (done: number) => void = () => undefined,
): Promise<void> {
  const random = new SeededRandom(filling.seed);
  const left = [...filling.conversations];
  const total = left.reduce((a, b) => a + b, 0);
  const people = peopleOf(filling);
  for (let done = 0; done < total; done += stepMessages) {
    await engine.run(async (step) => {
      for (let n = done; n < Math.min(total, done + stepMessages); n++) {
        const at = pick(left, total - n, random);
        left[at] = (left[at] ?? 0) - 1;
        const person = people[at] as FilledPerson;
        const known = await bindIdentifier(step, person.identifier, person.account);
        const contact = known.last === undefined ? await acceptContact(step, known) : known;
        const isOwn = random.chance(0.5);
        const sender = isOwn ? step.live.own.account : person.account;
        const message: MessageRecord = {
          id: idOf(random),
          direction: isOwn ? "out" : "in",
          body: textOf(random),
          status: "read",
          sentAt: filling.untilSec - (total - 1 - n) * betweenSec,
          suite: "mls",
          sender,
        };
        await addMessage(step, contact, sender, message);
      }
    });
    onProgress(Math.min(total, done + stepMessages));
  }
}

/** Which conversation the next message belongs to, as often as it still has messages to come. */
function pick(left: readonly number[], sum: number, random: SeededRandom): number {
  let at = random.integer(sum);
  for (const [i, count] of left.entries()) {
    if (at < count) return i;
    at -= count;
  }
  return left.length - 1;
}

function idOf(random: SeededRandom): string {
  return Array.from({ length: 4 }, () => random.nextUint32().toString(16).padStart(8, "0")).join("");
}
