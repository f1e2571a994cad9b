/** The bot of docs/examples, as a process of its own, against a real server. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSPHRASE, testServer, type TestServer } from "./support/server.ts";

const path = fileURLToPath(new URL("../../../docs/examples/echo-bot.ts", import.meta.url));

let server: TestServer;
let bot: ChildProcess | undefined;
beforeAll(async () => {
  server = await testServer();
});
afterAll(async () => {
  bot?.kill("SIGKILL");
  await server.stop();
});

async function startBot(home: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", path], {
    env: { ...process.env, SOTTO_HOME: home, SOTTO_PASSPHRASE: PASSPHRASE },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

test("the echo bot has at most 20 lines, echoes, and goes on after it was stopped", async () => {
  expect(readFileSync(path, "utf8").trim().split("\n").length).toBeLessThanOrEqual(20);
  const home = await server.register("bot@example.org");
  const ann = await server.join("+15551230001");
  const answers: string[] = [];
  ann.subscribe((event) => {
    if (event.type === "message") answers.push(event.message.body);
  });

  bot = await startBot(home);
  await ann.send("bot@example.org", "one");
  await ann.send("bot@example.org", "two");
  await expect.poll(() => answers, { timeout: 10_000 }).toEqual(["echo: one", "echo: two"]);

  bot.kill("SIGTERM");
  const [code] = (await once(bot, "exit")) as [number];
  expect(code).toBe(0);
  await ann.send("bot@example.org", "three");
  bot = await startBot(home);
  await expect.poll(() => answers.at(-1), { timeout: 10_000 }).toBe("echo: three");
  await ann.close();
});
