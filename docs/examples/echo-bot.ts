// A bot that says everything back. Register it once, then let it run:
//   sotto register --home ~/.sotto-bot --server URL --phone +15551230009
//   SOTTO_HOME=~/.sotto-bot SOTTO_PASSPHRASE=… node docs/examples/echo-bot.ts
import { open } from "@sotto/client/node";

const { SOTTO_HOME: home = "", SOTTO_PASSPHRASE: passphrase = "" } = process.env;
const bot = await open({ home, passphrase });
process.once("SIGTERM", () => void bot.close());
console.log(`echoing as ${bot.self.identifier}`);

// A message counts as shown once the next is asked for: a bot that is stopped in between echoes it when it is back.
for await (const message of bot.messages()) {
  await bot.send(message.groupId ?? message.from, `echo: ${message.body}`);
}
