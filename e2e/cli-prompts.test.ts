/** A person at a terminal: questions are asked, secrets are not shown, Ctrl+C ends it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PtyTerminal } from "./support/pty.ts";
import { TestServer, type Person } from "./support/sotto.ts";

const passphrase = "open sesame, said Ali";
const terminals: PtyTerminal[] = [];
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
}, 60_000);
afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.kill();
});
afterAll(() => server?.stop());

/** A terminal without the variables that scripts use. */
function terminal(person: Person, args: readonly string[], env: Record<string, string> = {}): PtyTerminal {
  const opened = person.terminal(args, {
    columns: 100,
    env: { SOTTO_PASSPHRASE: "", SOTTO_SERVER: "", ...env },
  });
  terminals.push(opened);
  return opened;
}

describe("a person at a terminal", () => {
  let ann: Person;
  beforeAll(() => {
    ann = server.person("+15551230021");
  });

  test("register asks for all it needs, shows the server's key, and hides the passphrase", async () => {
    const screen = terminal(ann, ["register"]);
    await screen.waitFor("phone number");
    screen.type("+1 555 123 0021\r");
    await screen.waitFor("Invite link or address");
    screen.type(`${server.url}\r`);
    await screen.waitFor(server.fingerprint);
    await screen.waitFor("Is it the same? [y/N]");
    screen.type("y\r");
    await screen.waitFor("New passphrase");
    screen.type(`${passphrase}\r`);
    await screen.waitFor("The same again:");
    screen.type("something else\r");
    await screen.waitFor("The two differ");
    screen.type(`${passphrase}x\u007f\r`);
    await screen.waitUntil(() => screen.text().split("The same again:").length === 3);
    screen.type(`${passphrase}\r`);
    await screen.waitFor("The six digits that the server sent to +15551230021:");
    const code = await server.nextCode(ann.phone);
    screen.type(`${code === "000000" ? "111111" : "000000"}\r`);
    await screen.waitFor("The server did not take that code. Once more");
    await screen.waitUntil(() => screen.text().split("The six digits").length === 3);
    screen.type(`${code}\r`);
    await screen.waitFor("Registered +15551230021");
    expect(await screen.exited).toBe(0);
    expect(screen.text()).toMatch(/^ {4}(?:[0-9A-Z]{4} {2}){3}[0-9A-Z]{4}$/m);
    expect(screen.raw).not.toContain(passphrase);
    expect(screen.raw).not.toContain("something else");
  });

  test("a no to the server's key ends without sending anything", async () => {
    const eve = server.person("+15551230022");
    const screen = terminal(eve, ["register", "--server", server.url, "--phone", eve.phone]);
    await screen.waitFor("Is it the same? [y/N]");
    screen.type("\r");
    expect(await screen.exited).not.toBe(0);
    expect(screen.text()).toContain("Nothing was sent");
    expect(server.code(eve.phone)).toBeUndefined();
  });

  test("commands ask for the passphrase; a wrong one says what to do", async () => {
    const wrong = terminal(ann, ["devices"]);
    await wrong.waitFor("Passphrase:");
    wrong.type("wrong\r");
    expect(await wrong.exited).toBe(1);
    await wrong.waitFor("passphrase_wrong");
    const right = terminal(ann, ["devices"]);
    await right.waitFor("Passphrase:");
    right.type(`${passphrase}\r`);
    expect(await right.exited).toBe(0);
    await right.waitFor("this device");
  });

  test("keys export asks for the passphrase again, even when it is in the environment", async () => {
    const args = ["keys", "export", "--classic", "--private", "--pem"];
    const screen = terminal(ann, args, { SOTTO_PASSPHRASE: passphrase });
    await screen.waitFor("Passphrase again");
    screen.type("wrong\r");
    expect(await screen.exited).toBe(1);
    expect(screen.raw).not.toContain("PRIVATE KEY");
    const again = terminal(ann, args, { SOTTO_PASSPHRASE: passphrase });
    await again.waitFor("Passphrase again");
    again.type(`${passphrase}\r`);
    expect(await again.exited).toBe(0);
    expect(again.raw).toContain("BEGIN PRIVATE KEY");
  });

  test("verify asks whether the numbers are equal", async () => {
    const bob = await server.registered("+15551230023");
    const screen = terminal(ann, ["verify", bob.phone], { SOTTO_PASSPHRASE: passphrase });
    await screen.waitFor("Does the other side see the same number? [y/N]");
    expect(screen.text()).toMatch(/[\u2580\u2584\u2588]{10}/);
    expect(screen.text()).toMatch(/^\d{5} \d{5} \d{5} \d{5}$/m);
    screen.type("y\r");
    expect(await screen.exited).toBe(0);
    await screen.waitFor(`${bob.phone} is verified.`);
  });

  test("passphrase change asks for the old and twice for the new one", async () => {
    const screen = terminal(ann, ["passphrase", "change"]);
    await screen.waitFor("Passphrase:");
    screen.type(`${passphrase}\r`);
    await screen.waitFor("New passphrase");
    screen.type("another one entirely\r");
    await screen.waitFor("The same again:");
    screen.type("another one entirely\r");
    await screen.waitFor("The passphrase is changed.");
    expect(await screen.exited).toBe(0);
  });

  test("Ctrl+C at a question ends with 130 and leaves the terminal as it was", async () => {
    const screen = terminal(ann, ["devices"]);
    await screen.waitFor("Passphrase:");
    screen.type("half\u0003");
    expect(await screen.exited).toBe(130);
    expect(screen.raw).not.toContain("half");
  });
});
