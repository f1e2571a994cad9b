/**
 * A contact comes back with another identity key. It happens for real when a server is restored from an old backup and
 * somebody registers there anew, and looks the same when somebody takes their place: sending stops until a person looked.
 */
import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseLines, Person, TestServer } from "./support/sotto.ts";

const bobPhone = "+15551230042";
let server: TestServer;
let alice: Person;
let newBob: Person;
let oldNumber: string;

beforeAll(async () => {
  server = await TestServer.start();
  const data = join(server.folder, "data");
  const backup = join(server.folder, "backup");
  alice = await server.registered("+15551230041");
  await server.down();
  cpSync(data, backup, { recursive: true });
  await server.up();

  const bob = await server.registered(bobPhone);
  await alice.ok("send", bobPhone, "before");
  await bob.ok("receive");
  oldNumber = await alice.ok("verify", bobPhone, "--confirm");

  await server.down();
  rmSync(data, { recursive: true });
  renameSync(backup, data);
  await server.up();
  renameSync(bob.home, `${bob.home}-lost`);
  rmSync(server.otpFile);
  newBob = await server.registered(bobPhone);
}, 120_000);
afterAll(() => server?.stop());

describe("a contact whose identity key changed", () => {
  test("sending stops, with the next step, and the message is kept", async () => {
    const { code, stderr } = await alice.run("send", bobPhone, "after", "--json");
    expect(code).toBe(1);
    const error = parseLines(stderr).find(({ type }) => type === "error");
    expect(error).toMatchObject({ code: "identity_changed" });
    expect(error?.["next_step"]).toContain("sotto verify");
    expect(await newBob.json("receive")).toEqual([]);
  });

  test("contacts and verify show it; the mark of verification is gone and the number is another", async () => {
    expect(await alice.json("contacts")).toMatchObject([
      { identifier: bobPhone, verified: false, identity_changed: true },
    ]);
    expect(await alice.ok("contacts")).toContain("IDENTITY CHANGED");
    const number = await alice.ok("verify", bobPhone);
    expect(number).not.toBe(oldNumber);
    expect(await alice.run("verify", bobPhone, "--confirm")).toMatchObject({ code: 1 });
  });

  test("the chat says so, too", async () => {
    const screen = alice.terminal(["chat", bobPhone]);
    try {
      await screen.waitFor("IDENTITY CHANGED (Ctrl+T)");
      screen.type("\u0014");
      expect(await screen.waitFor(/\d{5} \d{5} \d{5} \d{5}/)).toContain("accept the new key");
      screen.type("\u0003");
      expect(await screen.exited).toBe(0);
    } finally {
      screen.kill();
    }
  });

  test("accepting needs a person, or a script that says so; then messages go out again", async () => {
    const refused = await alice.run("contacts", "acknowledge", bobPhone);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--yes");
    expect(await alice.json("contacts", "acknowledge", bobPhone, "--yes")).toMatchObject([
      { identifier: bobPhone, verified: false, identity_changed: false },
    ]);
    await alice.ok("send", bobPhone, "after you accepted");
    const bodies = (await newBob.json("receive")).map(({ body }) => body);
    expect(bodies).toContain("after you accepted");
    const [here] = await alice.json("verify", bobPhone);
    const [there] = await newBob.json("verify", alice.phone);
    expect(here?.["safety_number"]).toBe(there?.["safety_number"]);
  });
});
