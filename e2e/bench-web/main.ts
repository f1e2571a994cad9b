/**
 * `npm run bench:web`: what the web app takes in a real Chromium, with vaults that the core itself filled. Writes a section of
 * bench/RESULTS.md.
 */
import { cpus, loadavg, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { checkedOutCommit } from "@sotto/bench/commit";
import { RESULTS, writeSection } from "@sotto/bench/section";
import { joinApp, startWebServer } from "../web/support/app.ts";
import { startChromium } from "../web/support/browser.ts";
import {
  PHONE_NETWORK,
  coldStart,
  filled,
  longConversation,
  scriptBytes,
  searching,
  sending,
} from "./measures.ts";
import { OTHERS, dropped, median, table, type Measured } from "./tables.ts";

const usage = `npm run bench:web -- [--rounds N] [--messages N] [--conversations N] [--no-write]
  --rounds N         how often each is measured, 9 by default
  --messages N       of the long conversation, 100,000 by default
  --conversations N  of the list, 1,000 by default
  --no-write         leave bench/RESULTS.md alone`;
const section = { name: "web", title: "The web app", command: "npm run bench:web" };

const { values } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: "string", default: "9" },
    messages: { type: "string", default: "100000" },
    conversations: { type: "string", default: "1000" },
    write: { type: "boolean", default: true },
    help: { type: "boolean", default: false },
  },
});
const [rounds, messages, conversations] = [
  Number(values.rounds),
  Number(values.messages),
  Number(values.conversations),
];
if (values.help || !(rounds >= 1) || !(messages >= 1_000) || !(conversations >= 2)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const loads: number[] = [];
/** Says what is under way, and notes how busy the machine is. */
const say = (text: string): void => {
  const [load = 0] = loadavg();
  loads.push(load);
  console.log(`${new Date().toISOString().slice(11, 19)} load ${load.toFixed(1)}: ${text}`);
};

const server = await startWebServer();
const browser = await startChromium();
const rows: Measured[] = [];
const kibOf = (bytes: number): number => bytes / 1024;
try {
  const { initial, all } = scriptBytes();
  rows.push(
    {
      what: "JavaScript at the start, the worker included, compressed",
      aim: 200,
      values: [kibOf(initial)],
      unit: "KiB",
    },
    { what: "JavaScript of everything, compressed", aim: undefined, values: [kibOf(all)], unit: "KiB" },
  );

  say("two people write to each other");
  const asPeopleHaveIt = { reducedMotion: "no-preference", serviceWorkers: "allow" } as const;
  const ann = await joinApp(browser, server, "+15551239001", asPeopleHaveIt);
  const ben = await joinApp(browser, server, "+15551239002", asPeopleHaveIt);
  const sent = await sending(ann, ben, 3 * rounds);
  rows.push({ what: "from “send” to the other browser's screen", aim: 100, values: sent });
  await ann.close();
  await ben.close();

  say(`a list of ${conversations} conversations is filled`);
  const list = await filled(
    browser,
    server,
    "+15551239003",
    Array.from({ length: conversations }, () => 5),
  );
  say("cold starts");
  const { load, unlock, derive } = await coldStart(list.person.page, server.url, rounds);
  const beside = unlock.map((time, i) => Math.max(0, time - (derive[i] ?? 0)));
  const cold = load.map((time, i) => time + (beside[i] ?? 0));
  rows.push(
    {
      what: `cold start to the list of ${conversations} conversations, without the key derivation`,
      aim: 1_000,
      values: cold,
    },
    { what: "… of it: from nothing to the lock, network of a phone", aim: undefined, values: load },
    { what: "… of it: unlock to the list, beside the key derivation", aim: undefined, values: beside },
    { what: "the key derivation (PBKDF2, 600,000 rounds)", aim: undefined, values: derive },
  );
  await list.person.close();

  say(`a conversation of ${messages} messages is filled`);
  const long = await filled(browser, server, "+15551239004", [messages, 50, 50]);
  say("opening, scrolling, writing");
  const { open, frames, key } = await longConversation(long.person.page, long.filling, rounds);
  rows.push(
    { what: `opening a conversation of ${messages} messages`, aim: 200, values: open },
    {
      what: "scrolling through it: frames of 60 a second that were dropped",
      aim: undefined,
      values: [dropped(frames)],
      unit: "%",
    },
    { what: "… time of a frame", aim: undefined, values: frames },
    { what: "key press to echo", aim: 50, values: key },
  );
  say("searching");
  const { first, next } = await searching(long.person.page, rounds);
  rows.push(
    { what: `search in ${messages} messages, each letter typed`, aim: 50, values: next },
    { what: "… its first letter, 0.3 s after the field was entered", aim: undefined, values: [first] },
  );
  await long.person.close();
} finally {
  await browser.close();
  await server.stop();
}
say("done");

const text = [
  `\`npm run bench:web\`, commit ${checkedOutCommit()}, ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, ${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}; Chromium ${browser.version()}, headless, drawing in software. ` +
    `The machine's load meanwhile was ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}, median ${median(loads).toFixed(1)}, on ${cpus().length} cores: ` +
    `${median(loads) > 2 * cpus().length ? "much else ran beside it, and the times are larger than they would be alone" : "little else ran beside it"}.`,
  "",
  "Median (least–greatest). From what a person does to when the browser has drawn what comes of it.",
  `The network of a good phone: ${PHONE_NETWORK.latencyMs} ms, ${PHONE_NETWORK.downMbit} Mbit/s down, by the browser's emulation; nothing in its cache.`,
  "",
  table(rows),
  "",
  OTHERS,
].join("\n");
console.log(text);
if (values.write) writeSection(RESULTS, section, text);
