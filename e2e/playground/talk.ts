/**
 * What people in the playground say: short exchanges with gaps that are filled anew each time. A line begins with who says it; `+` after a
 * line is a reaction of the next one who is named, `>` answers the line before in so many words.
 */
import type { Who } from "./cast.ts";

/** An exchange that can happen between some people. */
export interface Exchange {
  /** A group's name, or two people. */
  readonly where: string | readonly [Who, Who];
  readonly lines: readonly Line[];
}

/** One line of it. */
interface Line {
  readonly who: Who;
  readonly text: string;
  /** Answers the line before. */
  readonly answers?: true;
  /** What others think of it. */
  readonly reactions?: readonly (readonly [Who, string])[];
}

type Told = readonly [who: Who, text: string, ...rest: (">" | readonly [Who, string])[]];

const between =
  (where: Exchange["where"]) =>
  (...told: readonly Told[]): Exchange => ({
    where,
    lines: told.map(([who, text, ...rest]) => {
      const reactions = rest.filter((one) => one !== ">");
      return {
        who,
        text,
        ...(rest.includes(">") && { answers: true as const }),
        ...(reactions.length > 0 && { reactions }),
      };
    }),
  });

const annBen = between(["Ann", "Ben"]);
const annCleo = between(["Ann", "Cleo"]);
const annDev = between(["Ann", "Dev"]);
const annElla = between(["Ann", "Ella"]);
const annLotte = between(["Ann", "Lotte"]);
const benFinn = between(["Ben", "Finn"]);
const benCleo = between(["Ben", "Cleo"]);
const books = between("Book club");
const kitchen = between("Kitchen rebuild");
const walk = between("Sunday harbour walk");
const family = between("Family");

/** {place}, {food}, {book}, {thing}, {hour}, {day}, {person}: filled anew each time. */
export const exchanges: readonly Exchange[] = [
  annBen(
    ["Ann", "Lunch at {place}?"],
    ["Ben", "{hour}? I am in the workshop until then", ">"],
    ["Ann", "{hour} it is", ["Ben", "👍"]],
  ),
  annBen(
    ["Ben", "Did you take the spare key?"],
    ["Ann", "It is under the blue flowerpot"],
    ["Ben", "That is the first place anyone would look"],
    ["Ann", "Which is why I am writing it in here and not in an e-mail 🙂", ">", ["Ben", "😂"]],
  ),
  annBen(
    ["Ann", "I am at {place}. Do we need {food}?"],
    ["Ben", "Yes, and {food}. Thank you ❤️"],
    ["Ann", "Got both", ["Ben", "❤️"]],
  ),
  annBen(
    ["Ben", "Train is late again. Twenty minutes, they say"],
    ["Ann", "Which means forty"],
    ["Ben", "Start without me, keep me some {food}"],
  ),
  annBen(
    [
      "Ann",
      "Can you look at this before I send it?\n```\nDear neighbours,\non {day} we carry the old {thing} out. It will be loud until {hour}.\n```",
    ],
    ["Ben", "Good. Offer them {food} and nobody will mind", ">"],
    ["Ann", "Done", ["Ben", "👏"]],
  ),
  annBen(
    ["Ben", "Are you still awake?"],
    ["Ann", "Reading {book}. One more chapter"],
    ["Ben", "You said that an hour ago"],
  ),
  annBen(["Ann", "Left at {hour}, home in ten"], ["Ben", "Tea is on", ["Ann", "🍵"]]),
  annBen(
    ["Ben", "The dentist moved us to {day}, {hour}"],
    ["Ann", "I have the {thing} people that day. Can you ask for another?"],
    ["Ben", "Asked. They call back"],
    ["Ben", "Same hour, a week later"],
    ["Ann", "Perfect", ["Ben", "👍"]],
  ),
  annCleo(
    ["Cleo", "How far are you with {book}?"],
    ["Ann", "Page twelve. Do not tell the others"],
    ["Cleo", "My lips are sealed", ["Ann", "🤐"]],
  ),
  annCleo(
    ["Ann", "Did the {thing} arrive?"],
    ["Cleo", "Yesterday! In three boxes, two of them open"],
    ["Ann", "Oh no. Anything broken?", ">"],
    ["Cleo", "Only my mood. I have written to them"],
  ),
  annCleo(
    ["Cleo", "I found the recipe: {food}, a pinch of salt, forty minutes. That is all"],
    ["Ann", "That cannot be all"],
    ["Cleo", "That is what makes it good", ["Ann", "🙏"]],
  ),
  annCleo(
    ["Cleo", "Coffee at {place} on {day}?"],
    ["Ann", "{hour}, by the window"],
    ["Cleo", "See you there ☕"],
  ),
  annDev(
    ["Dev", "Measured again: the {thing} needs 62 cm, you have 61"],
    ["Ann", "Can the wall move?"],
    ["Dev", "Everything can move. The question is what it costs", ">", ["Ann", "😬"]],
  ),
  annDev(
    ["Ann", "The plan is here, if you want to look before {day}: https://plans.example/kitchen/north-wall"],
    ["Dev", "Looks right. I would put the sockets higher"],
    ["Ann", "How much higher?", ">"],
    ["Dev", "A hand"],
  ),
  annDev(["Dev", "I am {hour} at yours, with the {thing}"], ["Ann", "The door is open"]),
  annElla(
    ["Ella", "Can I borrow {book}?"],
    ["Ann", "It lies on the stairs, take it"],
    ["Ella", "You are the best", ["Ann", "🤗"]],
  ),
  annElla(
    ["Ella", "My sister asks what you use for messages"],
    ["Ann", "This. It runs on the little computer beside Ben's router"],
    ["Ella", "And who reads along?", ">"],
    ["Ann", "Nobody. Not even that computer could"],
    ["Ella", "Sold"],
  ),
  annLotte(
    ["Lotte", "Kommst du am {tag}?"],
    ["Ann", "Ja, um {uhr}. Soll ich Kuchen mitbringen?"],
    ["Lotte", "Nur dich, mein Kind", ["Ann", "❤️"]],
  ),
  annLotte(
    ["Lotte", "Der Fernseher geht wieder nicht"],
    ["Ann", "Steckt der Stecker?"],
    ["Lotte", "Jetzt ja", ["Ann", "😄"]],
  ),
  annLotte(["Ann", "Bist du gut nach Hause gekommen?"], ["Lotte", "Ja. Und die Katze auch"]),
  benFinn(
    ["Finn", "Tide is out at {hour} on {day}"],
    ["Ben", "Then we go by the beach"],
    ["Finn", "Bring the other boots", ">"],
  ),
  benFinn(
    ["Ben", "Your drill is back in your shed"],
    ["Finn", "I did not know that it was gone", ["Ben", "🤫"]],
  ),
  benCleo(
    ["Cleo", "What does Ann want for her birthday?"],
    ["Ben", "She says nothing"],
    ["Cleo", "So {book}"],
    ["Ben", "So {book}. I give her {food} as well", ">"],
  ),
  books(
    ["Cleo", "Next is {book}. Who has it already?"],
    ["Ella", "I do"],
    ["Ann", "Me too, somewhere"],
    ["Ben", "I have the film", ["Cleo", "🙄"], ["Ella", "😂"]],
  ),
  books(
    ["Ella", "{day} at {place}, {hour}?"],
    ["Cleo", "Yes", ["Ann", "👍"], ["Ben", "👍"]],
    ["Ann", "I bring {food}"],
  ),
  books(
    ["Ben", "Am I the only one who likes the uncle?"],
    ["Cleo", "Yes", ">"],
    ["Ella", "Yes"],
    ["Ann", "I like him a little", ["Ben", "❤️"]],
  ),
  books(
    ["Cleo", "I am two chapters behind. Can we make it {day}?"],
    ["Ann", "Only if the one who is behind brings {food}", ">", ["Ella", "👍"]],
    ["Cleo", "Fair"],
  ),
  kitchen(
    ["Dev", "The {thing} comes on {day}, between seven and five"],
    ["Ben", "Between seven and five, ten hours?"],
    ["Dev", "They call it a window", ">", ["Ann", "🪟"]],
  ),
  kitchen(
    ["Ann", "Green or grey for the north wall?"],
    ["Ben", "Green"],
    ["Dev", "It is your wall, but grey hides more", ["Ben", "🤨"]],
    ["Ann", "Green then"],
  ),
  kitchen(
    ["Dev", "Invoice for the {thing} is paid"],
    ["Ben", "Which of us paid it?", ">"],
    ["Ann", "I did. You owe me half and {food}"],
  ),
  kitchen(["Ben", "No water until {hour}"], ["Ann", "I am at {place} until then"]),
  walk(
    ["Ben", "Seven at the pier?"],
    ["Cleo", "Eight"],
    ["Finn", "Seven. The light is better", ["Ben", "🌅"]],
    ["Ann", "Seven, but I complain"],
    ["Dev", "I come at eight with {food}", ["Cleo", "❤️"], ["Ann", "🙌"]],
  ),
  walk(["Finn", "Wind from the north, take the warm things"], ["Cleo", "And the thermos"], ["Ben", "Packed"]),
  walk(
    ["Cleo", "Whose glove is this? Left, red, small"],
    ["Ann", "Mine! I had given it up"],
    ["Cleo", "It waits at {place}", ">", ["Ann", "🧤"]],
  ),
  family(
    ["Lotte", "Am {tag} gibt es Kartoffelsuppe"],
    ["Finn", "Ich bin da"],
    ["Ann", "Ich auch, um {uhr}", ["Lotte", "❤️"]],
  ),
  family(
    ["Finn", "Wer hat die große Leiter?"],
    ["Lotte", "Die steht seit Ostern bei mir im Flur"],
    ["Ann", "Dann hat sie sich eingelebt", ">", ["Finn", "😂"]],
  ),
  family(
    ["Lotte", "Schöne Grüße aus dem Garten. Die Äpfel sind reif 🍎"],
    ["Ann", "Wir kommen!", ["Lotte", "🤗"]],
  ),
];

/** What fills the gaps. */
export const gaps: Readonly<Record<string, readonly string[]>> = {
  place: [
    "the Lamplighter",
    "the market",
    "the corner café",
    "Miller's",
    "the old library",
    "the bakery",
    "the pier",
    "the green bench",
  ],
  food: [
    "bread",
    "plum cake",
    "coffee",
    "lemons",
    "cheese",
    "cinnamon rolls",
    "olives",
    "soup",
    "pears",
    "ginger biscuits",
  ],
  book: [
    "The Salt Path",
    "Middlemarch",
    "Piranesi",
    "The Leopard",
    "A Month in the Country",
    "The Summer Book",
    "Stoner",
    "Austerlitz",
  ],
  thing: ["oven", "worktop", "tap", "lamp", "shelf", "sink", "fridge", "window frame"],
  hour: ["nine", "half past ten", "noon", "one", "half past four", "six", "seven", "eight"],
  day: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  tag: ["Montag", "Mittwoch", "Freitag", "Samstag", "Sonntag"],
  uhr: ["zwölf", "drei", "vier", "sechs"],
};

/** What somebody answers to a visitor, in turn. */
export const answers: readonly string[] = [
  "Ha, I was just about to write to you",
  "Let me think about it",
  "Yes!",
  "Can we talk about it on the walk?",
  "I will bring it on Sunday",
  "Who told you that?",
  "That is good news 🎉",
];
