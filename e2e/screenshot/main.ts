/**
 * Takes the README's picture of `sotto chat`: real people on a real server, drawn from a terminal emulator.
 * `npm run screenshot` writes docs/images/chat.svg.
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { TestServer } from "../support/sotto.ts";
import { renderSvg } from "./svg.ts";

const out = resolve(import.meta.dirname, "../../docs/images/chat.svg");
const server = await TestServer.start();
try {
  const ann = await server.registered("+15551230001");
  const ben = await server.registered("+15551230002");
  const clara = await server.registered("clara@example.org");
  const dan = await server.registered("+15551230004");

  await dan.ok("send", ann.phone, "The minutes are in the shared folder.");
  await ann.ok("receive");
  await ann.ok("group", "create", "Harbour walk", ben.phone, clara.phone, dan.phone);
  await dan.ok("send", "Harbour walk", "I bring the lantern.");
  await ann.ok("receive");
  await ben.ok("send", ann.phone, "Are you coming to the harbour tonight?");

  const screen = ann.terminal(["chat", ben.phone], { columns: 92, rows: 22 });
  await screen.waitFor("● online");
  await screen.waitFor("harbour tonight?");
  const benScreen = ben.terminal(["chat", ann.phone]);
  await benScreen.waitFor("● online");
  const annWrites = async (text: string): Promise<void> => {
    screen.type(`${text}\r`);
    await benScreen.waitFor(text.slice(0, 20));
  };
  const benWrites = async (text: string): Promise<void> => {
    benScreen.type(`${text}\r`);
    await screen.waitFor(text.slice(0, 20));
  };
  screen.type("\u0014");
  await screen.waitFor(/\d{5} \d{5} \d{5} \d{5}/);
  screen.type("y");
  await screen.waitFor("✓ verified");
  await annWrites("Yes! Around seven, after the rehearsal.");
  await annWrites("Shall I bring the drawings?");
  await benWrites(
    "Please do. Klára would love to see them, and so would everyone who missed the exhibition.",
  );
  await benWrites("日本から友達も来ます。");
  await screen.waitUntil(() => screen.text().split("✓✓ read").length === 3);
  benScreen.type("\u0003");
  await benScreen.exited;

  // Ben comes back without read receipts, so that every state is in the picture.
  await ben.ok("settings", "--read-receipts", "off");
  screen.type("Wonderful. See you at the pier then.\r");
  await screen.waitFor(/pier then\. +✓ sent/);
  const benAgain = ben.terminal(["chat", ann.phone]);
  await screen.waitFor(/pier then\. +✓✓ delivered/);
  await clara.ok("send", ann.phone, "Can you call me when you have a minute?");
  await clara.ok("send", ann.phone, "It is about Thursday.");
  await screen.waitFor("(2)");
  benAgain.type("See you");
  await screen.waitFor("is typing");
  screen.type("Is it still the re");
  await screen.waitFor("> Is it still the re");
  await new Promise<void>((done) => screen.screen.write("", done));
  writeFileSync(out, renderSvg(screen.screen, "sotto chat: two people write to each other in the terminal"));
  console.log(screen.text());
  screen.kill();
  benAgain.kill();
} finally {
  await server.stop();
}
