/**
 * The whole story in one terminal, with real processes: `npm run demo`. A server starts in a temporary folder, two people
 * register, one writes while the other is away, what the server holds meanwhile is shown, a group is made, and a second
 * device is linked, reads what was before, and is lost. Every claim is checked; the exit code is 0 only if all of them
 * hold. Nothing stays behind.
 */
import { join } from "node:path";
import { TestServer, type Person } from "../support/sotto.ts";
import { chapter, hold, say, showCommand, showFacts } from "./narrator.ts";
import { lookInside, searchFolder, type WaitingEntry } from "./server-view.ts";

const secret = "The spare key is under the blue flowerpot.";
const annPhone = "+15551230001";
const benPhone = "+15551230002";
const cleoPhone = "+15551230003";

async function tell(server: TestServer): Promise<void> {
  chapter("A server");
  say("One command, one folder. It makes its own keys; its fingerprint goes into the invite link.");
  showCommand("operator", ["serve", "--data", "./data"], server.greeting);
  say(`(It runs as process ${server.pid}.)`);
  const data = join(server.folder, "data");

  chapter("Two people register");
  say("The server sends each a one-time password. Their keys are made on their own machines.");
  const ann = server.person(annPhone);
  const ben = server.person(benPhone);
  await register(server, [ann, "Ann"], [ben, "Ben"]);

  chapter("Ann writes while Ben is away");
  const messageId = await command("Ann", ann, "send", benPhone, secret);
  hold(
    "the command ended when the server had stored the message, and printed its id",
    /^[0-9a-f]{32}$/.test(messageId),
  );
  hold("Ann sees: sent", (await statuses(ann, benPhone)).at(-1) === "sent");

  chapter("What the server sees");
  const { accounts, waiting } = lookInside(data);
  const message = waiting.find(({ inInbox }) => !inInbox);
  const invitation = waiting.find(({ inInbox }) => inInbox);
  if (message === undefined || invitation === undefined) throw new Error("nothing waits for Ben");
  say("Its database, opened while it runs. Two accounts, whose numbers it kept only as keyed hashes:");
  showFacts(
    accounts.map((row) => [row.account, `identifier_hash ${row.identifierHash.slice(0, 24)}…`] as const),
  );
  say("\nWhat waits: an invitation in Ben's inbox, and a message in a log of its own with a random id:");
  showFacts(
    waiting.map((entry) => [`${entry.inInbox ? "inbox" : "log"} ${entry.log}`, opaque(entry)] as const),
  );
  const found = searchFolder(data, [secret, annPhone, benPhone]);
  hold(
    "no file of the server holds the text or a phone number: as it is, in base64, in hexadecimal",
    found.length === 0,
  );
  hold(
    "the same search does find what is there: the message's bytes",
    searchFolder(data, [message.body]).length === 1,
  );
  hold(
    "nothing that waits names an account: neither who wrote nor who is meant",
    accounts.every(({ account }) =>
      waiting.every(({ body }) => !Buffer.from(body).includes(Buffer.from(account, "hex"))),
    ),
  );
  say("\nWhat it does know: that somebody left something for Ben's device, when, and about how large it is.");

  chapter("Ben comes back");
  const received = await command("Ben", ben, "receive");
  hold("Ben reads what Ann wrote", received.includes(secret));
  hold(
    "his inbox on the server is empty again",
    lookInside(data).waiting.every(({ log }) => log !== invitation.log),
  );
  hold("a second look shows nothing new: each message once", (await ben.ok("receive", "--json")) === "");

  chapter("Receipts");
  say(
    "Ben's device said that it was delivered, encrypted and signed like any message. Ann is not known to him:",
  );
  say("she learns no more until he answers, or accepts her. Then his device says that he read it.");
  hold("Ann sees: delivered", (await statuses(ann, benPhone)).at(-1) === "delivered");
  await command("Ben", ben, "conversations", "accept", annPhone);
  await command("Ann", ann, "history", benPhone);
  hold("Ann sees: read", (await statuses(ann, benPhone)).at(-1) === "read");

  chapter("Live");
  const waitingAnn = ann.start("receive", "--json", "--wait", "6");
  await command("Ben", ben, "send", annPhone, "Found it. Thank you!");
  await waitingAnn.printed(/Found it/);
  showCommand("Ann", ["receive", "--json", "--wait", "6"], waitingAnn.stdout());
  hold("Ann had it while she waited", waitingAnn.child.exitCode === null);
  waitingAnn.child.kill("SIGINT");
  await waitingAnn.ended;

  chapter("A group");
  const cleo = server.person(cleoPhone);
  await register(server, [cleo, "Cleo"]);
  await command("Ann", ann, "group", "create", "Harbour walk", benPhone, cleoPhone);
  await command("Ben", ben, "send", "Harbour walk", "Seven at the pier?");
  const heard = await together(["Ann", ann, "receive"], ["Cleo", cleo, "receive"]);
  hold(
    "both others read it",
    heard.every((output) => output.includes("Seven at the pier?")),
  );
  await command("Ann", ann, "group", "remove", "Harbour walk", cleoPhone);
  await command("Ann", ann, "send", "Harbour walk", "Just the two of us, then.");
  const [his = "", hers = ""] = await together(["Ben", ben, "receive"], ["Cleo", cleo, "receive"]);
  hold("Ben reads on", his.includes("Just the two of us"));
  hold("Cleo, who was removed, does not", !hers.includes("two of us"));

  await secondDevice(ann, ben, data);

  chapter("The other suite");
  say(
    "Nothing falls back to the classic suite by itself. Asked for, it sends six JSON members, without forward secrecy:",
  );
  await command("Ann", ann, "send", "--suite", "classic", benPhone, "The old way.");
  const classic = lookInside(data).waiting.find((entry) => entry.classic !== undefined)?.classic;
  if (classic === undefined) throw new Error("no classic message waits");
  showFacts(Object.entries(classic).map(([name, value]) => [name, shorten(String(value))] as const));
  hold("Ben reads it, too", (await command("Ben", ben, "receive")).includes("The old way."));

  chapter("Nobody stands between them");
  const [annNumber = "", benNumber] = await together(
    ["Ann", ann, "verify", benPhone],
    ["Ben", ben, "verify", annPhone],
  );
  hold(
    "both see the same 60 digits",
    annNumber === benNumber && annNumber.replaceAll(/\D/g, "").length === 60,
  );
  say("They compare them on the phone. A server that had put its own keys in between would show in them.");
  await command("Ann", ann, "verify", benPhone, "--confirm");
  const [contact] = await ann.json("contacts");
  hold("Ann's contact is marked as verified", contact?.["verified"] === true);

  chapter("The server stops");
  const ended = await server.down();
  hold("it drained and ended well", ended?.code === 0);
  hold("both still have their history, offline", (await statuses(ben, annPhone, "--offline")).length === 3);
}

/** Ann's laptop joins, is equal, and is lost. */
async function secondDevice(ann: Person, ben: Person, data: string): Promise<void> {
  chapter("A second device");
  say("Ann has a laptop now. It shows a code and waits; her first device sees what asks, and lets it in.");
  const laptop = ann.at("laptop");
  const linking = laptop.start("devices", "link", "--name", "laptop", "--json");
  const code = (await linking.printed(/"code":"([0-9A-Z-]+)"/))[1] ?? "";
  showCommand("laptop", ["devices", "link", "--name", "laptop", "--json"], linking.stdout());
  await command("Ann", ann, "devices", "approve", code, "--confirm");
  const joined = await linking.ended;
  hold(
    "the laptop joined, and says that the history is complete",
    joined.stdout.includes('"history_complete":true'),
  );
  say("All of it came from device to device; the server passed on what it cannot read:");
  hold(
    "the laptop shows what Ann wrote before it was there",
    (await command("laptop", laptop, "history", benPhone)).includes(secret),
  );
  hold("and is in the group", (await laptop.ok("history", "Harbour walk")).includes("Just the two of us"));
  hold(
    "no file of the server holds the text, or what Ann calls her laptop",
    searchFolder(data, [secret, "laptop"]).length === 0,
  );
  await command("laptop", laptop, "send", "Harbour walk", "I write from my laptop.");
  const [his = "", hers = ""] = await together(
    ["Ben", ben, "receive"],
    ["Ann", ann, "history", "Harbour walk"],
  );
  hold("Ben reads it", his.includes("from my laptop"));
  hold("Ann's first device shows it, too", hers.includes("from my laptop"));

  chapter("The laptop is lost");
  await command("Ann", ann, "devices", "revoke", "laptop", "--yes");
  await command("Ben", ben, "send", "Harbour walk", "Where did you leave it?");
  const [read, lost] = await Promise.all([ann.ok("receive"), laptop.run("receive")]);
  showCommand("Ann", ["receive"], read);
  hold("Ann reads on", read.includes("Where did you leave it?"));
  showCommand("laptop", ["receive"], lost.stderr);
  hold(
    "the laptop is let in no more, and reads nothing that came after",
    lost.code === 1 && !lost.stdout.includes("Where did you"),
  );
}

/** Everybody at once, shown one after the other. */
async function register(
  server: TestServer,
  ...people: readonly (readonly [Person, string])[]
): Promise<void> {
  const done = people.map(async ([person, name]) => {
    const args = ["register", "--server", server.invite, "--phone", person.phone];
    const shown = ["register", "--server", `${server.invite.slice(0, 32)}…`, "--phone", person.phone];
    const requested = await person.ok(...args, "--request-only");
    const code = await server.nextCode(person.phone);
    const registered = await person.ok(...args, "--code", code);
    return () => {
      showCommand(name, [...shown, "--request-only"], requested);
      showCommand(name, [...shown, "--code", code], registered);
    };
  });
  for (const show of await Promise.all(done)) show();
}

/** Commands of several people at once, shown one after the other. @returns what they printed. */
async function together(
  ...commands: readonly (readonly [string, Person, ...string[]])[]
): Promise<readonly string[]> {
  const outputs = await Promise.all(commands.map(([, person, ...args]) => person.ok(...args)));
  for (const [index, [name, , ...args]] of commands.entries()) showCommand(name, args, outputs[index] ?? "");
  return outputs.map((output) => output.trim());
}

/** Runs a command, shows it, and returns what it printed. */
async function command(name: string, person: Person, ...args: readonly string[]): Promise<string> {
  const output = await person.ok(...args);
  showCommand(name, args, output);
  return output.trim();
}

async function statuses(person: Person, peer: string, ...options: readonly string[]): Promise<unknown[]> {
  return (await person.json("history", peer, ...options)).map(({ status }) => status);
}

/** What the server has of an entry. */
const opaque = ({ seq, body }: WaitingEntry): string =>
  `seq ${seq}, ${body.length} bytes: ${Buffer.from(body).toString("hex").slice(0, 24)}…`;

const shorten = (text: string): string =>
  text.length <= 66 ? text : `${text.slice(0, 56)}… (${text.length} characters)`;

const startedMs = Date.now();
console.log("Sotto: a private conversation from beginning to end. Everything below happens for real, now.");
const server = await TestServer.start();
try {
  await tell(server);
  console.log(
    `\nEverything held. It took ${((Date.now() - startedMs) / 1000).toFixed(1)} s; nothing is left behind.`,
  );
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await server.stop();
}
