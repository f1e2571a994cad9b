/**
 * Devices at the terminal, with real processes: link, approve, history, revoke, a new identity key, the recovery key, the
 * last resort. The order matters within each block: it is one story.
 */
import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseLines, TestServer, type Person, type Running } from "./support/sotto.ts";

const id = /^[0-9a-f]{32}$/;
const code = /^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}$/;
const recoveryKeyForm = /^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){7}$/;
const annPhone = "+15551230061";
const benPhone = "+15551230062";

let server: TestServer;
let ann: Person;
let ben: Person;
let phone: Person;
let recoveryKey: string;

beforeAll(async () => {
  server = await TestServer.start(["--reset-delay-sec", "3600"]);
  ben = await server.registered(benPhone);
}, 60_000);
afterAll(() => server?.stop());

interface Row {
  readonly body: string;
  readonly direction: string;
}
const bodies = async (person: Person, ...args: readonly string[]): Promise<string[]> =>
  (await person.json<Row>(...args)).map(({ body }) => body);
const error = (stderr: string): Record<string, unknown> | undefined =>
  parseLines(stderr).find(({ type }) => type === "error");

/** The code that a device shows, which waits to be approved. */
async function codeOf(linking: Running): Promise<string> {
  return (await linking.printed(/"code":"([0-9A-Z-]+)"/))[1] ?? "";
}

describe("register", () => {
  test("--json tells the recovery key once, and the device has a name", async () => {
    ann = server.person(annPhone);
    await ann.ok("register", "--phone", annPhone, "--request-only");
    const options = ["--code", server.code(annPhone) ?? "", "--name", "  Ann's desk "];
    const [registered] = await ann.json("register", "--phone", annPhone, ...options);
    recoveryKey = String(registered?.["recovery_key"]);
    expect(recoveryKey).toMatch(recoveryKeyForm);
    expect(await ann.json("devices")).toEqual([
      {
        id: registered?.["device_id"],
        name: "Ann's desk",
        added_at: expect.any(Number) as number,
        current: true,
        revoked: false,
      },
    ]);
  });

  test("for people it stands in groups of four, with what it is for; without --name the machine's is taken", async () => {
    const eve = server.person("+15551230063");
    await eve.ok("register", "--phone", eve.phone, "--request-only");
    const { stdout, stderr } = await eve.run(
      "register",
      "--phone",
      eve.phone,
      "--code",
      server.code(eve.phone) ?? "",
    );
    expect(stdout).toMatch(/^ {4}(?:[0-9A-Z]{4} {2}){3}[0-9A-Z]{4}\n {4}(?:[0-9A-Z]{4} {2}){3}[0-9A-Z]{4}$/m);
    expect(stderr).toContain("it is the only way");
    expect((await eve.json("devices"))[0]?.["name"]).not.toBe("");
  });

  test("a name that is too long is refused before anything happens", async () => {
    const dan = server.person("+15551230064");
    const { code: exit, stderr } = await dan.run(
      "register",
      "--phone",
      dan.phone,
      "--name",
      "x".repeat(65),
      "--request-only",
    );
    expect(exit).toBe(2);
    expect(stderr).toContain("1 to 64 characters");
  });
});

describe("a second device", () => {
  test("link prints code and QR text, approve shows what asks, and the history comes", async () => {
    await ann.ok("send", benPhone, "before the phone");
    await ben.ok("receive");
    await ben.ok("send", annPhone, "an answer");
    await ann.ok("receive");
    await ann.ok("group", "create", "Choir", benPhone);
    await ben.ok("receive");
    await ann.ok("send", "Choir", "la");
    await ann.ok("verify", benPhone, "--confirm");

    phone = ann.at("phone");
    const linking = phone.start("devices", "link", "--name", "phone", "--json");
    const shown = await codeOf(linking);
    expect(shown).toMatch(code);
    expect(parseLines(linking.stdout())).toEqual([
      { code: shown, qr: expect.stringContaining(shown) as string },
    ]);
    const approved = await ann.json("devices", "approve", shown.toLowerCase(), "--confirm");
    expect(approved).toEqual([
      {
        type: "link_request",
        code: shown,
        name: "phone",
        platform: expect.stringContaining("sotto") as string,
        address: expect.stringContaining("127.0.0.1") as string,
        asked_at: expect.any(Number) as number,
      },
      { type: "approved", code: shown, name: "phone", complete: true },
    ]);
    const ended = await linking.ended;
    expect(ended.code).toBe(0);
    const [self] = await ann.json("devices");
    expect(parseLines(ended.stdout).at(-1)).toEqual({
      type: "linked",
      identifier: annPhone,
      account_id: expect.stringMatching(id) as string,
      device_id: expect.stringMatching(id) as string,
      name: "phone",
      server: server.url,
      history_complete: true,
    });
    expect(await bodies(phone, "history", benPhone)).toEqual(["before the phone", "an answer"]);
    expect(await bodies(phone, "history", "Choir")).toEqual(["la"]);
    expect(await phone.json("verify", benPhone)).toMatchObject([{ verified: true }]);
    expect(await ann.json("devices")).toMatchObject([
      { id: self?.["id"], name: "Ann's desk", current: true },
      { name: "phone", current: false, revoked: false },
    ]);
    expect(await phone.json("devices")).toMatchObject([
      { name: "Ann's desk", current: false },
      { name: "phone", current: true },
    ]);
  }, 90_000);

  test("each has an RSA key of its own, and rotating prints the one that is new", async () => {
    const keys = async (): Promise<unknown[]> =>
      (await ann.json("keys", "show")).map(({ fingerprint }) => fingerprint);
    const before = await keys();
    expect(before).toHaveLength(2);
    const [rotated] = await ann.json("keys", "rotate");
    expect(before).not.toContain(rotated?.["fingerprint"]);
    expect(await keys()).toContain(rotated?.["fingerprint"]);
  });

  test("it is equal: what it sends shows on the first device, and both read what comes", async () => {
    await phone.ok("send", benPhone, "from the phone");
    await phone.ok("send", "Choir", "lo");
    const heard = await bodies(ben, "receive");
    expect(heard).toEqual(expect.arrayContaining(["from the phone", "lo"]));
    await ben.ok("send", annPhone, "to both");
    for (const device of [ann, phone]) {
      await device.ok("receive");
      expect(await bodies(device, "history", benPhone)).toEqual([
        "before the phone",
        "an answer",
        "from the phone",
        "to both",
      ]);
      expect(await bodies(device, "history", "Choir")).toEqual(["la", "lo"]);
    }
  }, 60_000);

  test("approving takes a deliberate step: without a terminal --confirm, at a terminal a yes and a word", async () => {
    const tablet = ann.at("tablet");
    const linking = tablet.start("devices", "link", "--name", "tablet\u001b[31m", "--json");
    const shown = await codeOf(linking);
    const refused = await ann.run("devices", "approve", shown);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--confirm");
    const screen = ann.terminal(["devices", "approve", shown], { columns: 110 });
    try {
      await screen.waitFor(/Calls itself +tablet␛\[31m/);
      expect(screen.text()).toContain("FRAUD");
      await screen.waitFor("on its screen? [y/N]");
      screen.type("y\r");
      await screen.waitFor("type the word link:");
      screen.type("yes\r");
      await screen.waitFor("nothing was linked");
      expect(await screen.exited).toBe(2);
    } finally {
      screen.kill();
    }
    expect(await ann.json("devices")).toHaveLength(2);
    linking.child.kill("SIGINT");
    expect(await linking.ended).toMatchObject({ code: 130 });
    expect(existsSync(tablet.home)).toBe(false);
    const short = await ann.run("devices", "approve", "AAAA", "--confirm");
    expect(short).toMatchObject({ code: 2, stderr: expect.stringContaining("ABCD-EFGH") as string });
    const late = await ann.run("devices", "approve", "AAAA-AAAA-AAAA-AAAA", "--confirm", "--json");
    expect(late.code).toBe(1);
    expect(error(late.stderr)).toMatchObject({ code: "link_refused" });
  }, 60_000);

  test("at terminals on both sides: QR code, whose account it is, progress; every other device is told", async () => {
    const tablet = ann.at("tablet");
    const args = ["devices", "link", "--server", server.invite, "--name", "tablet"];
    const joining = tablet.terminal(args, { columns: 110, rows: 60 });
    const approving = { screen: undefined as ReturnType<Person["terminal"]> | undefined };
    try {
      await joining.waitFor(/Code: (\S+)/);
      const shown = /Code: (\S+)/.exec(joining.text())?.[1] ?? "";
      expect(joining.text()).toMatch(/[█▀▄]{10}/);
      const screen = ann.terminal(["devices", "approve", shown], { columns: 110 });
      approving.screen = screen;
      await screen.waitFor("on its screen? [y/N]");
      screen.type("y\r");
      await screen.waitFor("type the word link:");
      screen.type("link\r");
      await screen.waitFor("tablet is now a device of your account.");
      await joining.waitFor(`This is now a device of ${annPhone}`);
      await joining.waitFor("Check that this is YOUR account");
      await joining.waitFor("The history is here.", 60_000);
      expect(joining.raw).toMatch(/History: █+ {2}1 of 1/);
      expect(await joining.exited).toBe(0);
      await screen.waitFor("are handed over.", 60_000);
      expect(await screen.exited).toBe(0);
    } finally {
      joining.kill();
      approving.screen?.kill();
    }
    const { stderr } = await phone.run("receive");
    expect(stderr).toContain("A device was added to your account: tablet");
    expect(await bodies(tablet, "history", benPhone)).toContain("before the phone");
  }, 120_000);
});

describe("a lost device", () => {
  test("revoke finds it by name or prefix, refuses itself, and needs a person or --yes", async () => {
    const none = await ann.run("devices", "revoke", "kettle", "--yes", "--json");
    expect(error(none.stderr)).toMatchObject({ code: "device_unknown" });
    const self = await ann.run("devices", "revoke", "Ann's desk", "--yes");
    expect(self.stderr).toContain("cannot revoke itself");
    const unsure = await ann.run("devices", "revoke", "tablet");
    expect(unsure.code).toBe(2);
    expect(unsure.stderr).toContain("--yes");
    expect(await ann.json("devices", "revoke", "tablet", "--yes")).toMatchObject([
      { name: "tablet", revoked: true },
    ]);
    const again = await ann.run("devices", "revoke", "tablet", "--yes");
    expect(again.stderr).toContain("no device");
  }, 60_000);

  test("a script gives the whole id; who is revoked reads nothing more, and others go on", async () => {
    const device = (await ann.json("devices")).find(({ name }) => name === "phone");
    const [after] = await ann.json("devices", "revoke", String(device?.["id"]));
    expect(after).toMatchObject({ id: device?.["id"], revoked: true });
    await ann.ok("send", "Choir", "without the phone");
    expect(await bodies(ben, "receive")).toContain("without the phone");
    const { code: exit, stderr } = await phone.run("receive", "--json");
    expect(exit).toBe(1);
    expect(error(stderr)).toMatchObject({ code: "sign_in_refused" });
    expect(error(stderr)?.["next_step"]).toContain("sotto devices link");
    const approving = await phone.run("devices", "approve", "AAAA-AAAA-AAAA-AAAA", "--confirm", "--json");
    expect(error(approving.stderr)).toMatchObject({ code: "sign_in_refused" });
    expect(await bodies(phone, "history", "Choir", "--offline")).not.toContain("without the phone");
  }, 60_000);

  test("a new identity key: contacts see it, accept it, and go on", async () => {
    const before = await ann.ok("verify", benPhone);
    expect(await ann.json("keys", "rotate", "--identity")).toEqual([{ type: "rotated", key: "identity" }]);
    expect(await ann.ok("verify", benPhone)).not.toBe(before);
    const { code: exit, stderr } = await ben.run("send", annPhone, "is it you?", "--json");
    expect(exit).toBe(1);
    expect(error(stderr)).toMatchObject({ code: "identity_changed" });
    await ben.ok("contacts", "acknowledge", annPhone, "--yes");
    await ben.ok("send", annPhone, "it is you");
    expect(await bodies(ann, "receive")).toContain("it is you");
  }, 60_000);
});

describe("every device lost", () => {
  const recover = ["recover", "--phone", annPhone];
  let found: Person;

  test("the recovery key is never an argument, and a wrong one brings nothing back", async () => {
    found = ann.at("found");
    await found.ok(...recover, "--request-only");
    const bare = await found.run(...recover, "--code", server.code(annPhone) ?? "");
    expect(bare.code).toBe(2);
    expect(bare.stderr).toContain("SOTTO_RECOVERY_KEY");
    found.recoveryKey = "1234-5678";
    const short = await found.run(...recover, "--code", server.code(annPhone) ?? "", "--json");
    expect(error(short.stderr)).toMatchObject({ code: "recovery_key_wrong" });
    found.recoveryKey = recoveryKey.replace(/^..../, (text) => (text === "0000" ? "1111" : "0000"));
    const wrong = await found.run(...recover, "--code", server.code(annPhone) ?? "", "--json");
    expect(wrong.code).toBe(1);
    expect(error(wrong.stderr)).toMatchObject({ code: "recovery_key_wrong" });
    expect(wrong.stderr).not.toContain(found.recoveryKey);
    expect(existsSync(found.home)).toBe(false);
  }, 60_000);

  test("the right one does: the account, its new identity key, its contacts; the others are revoked", async () => {
    const number = await ann.ok("verify", benPhone);
    found.recoveryKey = recoveryKey;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await found.ok(...recover, "--request-only");
    const [back] = await found.json(...recover, "--code", server.code(annPhone) ?? "", "--name", "new phone");
    expect(back).toMatchObject({
      type: "recovered",
      identifier: annPhone,
      server: server.url,
      home: found.home,
    });
    expect(await found.ok("verify", benPhone)).toBe(number);
    const devices = await found.json("devices");
    expect(devices.filter(({ revoked }) => revoked === false)).toMatchObject([
      { name: "new phone", current: true },
    ]);
    await found.ok("send", benPhone, "I am back");
    expect(await bodies(ben, "receive")).toContain("I am back");
    await ben.ok("send", annPhone, "welcome back");
    expect(await bodies(found, "receive")).toContain("welcome back");
    expect((await ann.run("receive")).code).toBe(1);
  }, 60_000);

  test("without it a reset begins after a delay, the old devices are told, and can stop it", async () => {
    const anew = ann.at("anew");
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await anew.ok("reset", "--phone", annPhone, "--request-only");
    const code = server.code(annPhone) ?? "";
    expect((await anew.run("reset", "--phone", annPhone, "--code", code)).code).toBe(2);
    const [begun] = await anew.json("reset", "--phone", annPhone, "--code", code, "--yes");
    expect(begun).toMatchObject({
      type: "reset",
      done: false,
      recovery_key: expect.stringMatching(recoveryKeyForm) as string,
    });
    expect(Number(begun?.["reset_at"])).toBeGreaterThan(Date.now() / 1000 + 3_000);
    expect((await found.run("receive")).stderr).toContain("sotto reset --cancel");
    expect(await found.json("doctor")).toMatchObject([{ reset_at: begun?.["reset_at"] }]);
    expect(await found.ok("doctor")).toMatch(
      /✗ +Account +somebody asked to replace it[\s\S]*sotto reset --cancel/,
    );
    const unfinished = await anew.run("receive");
    expect(unfinished.stderr).toMatch(/vault_missing[\s\S]*sotto reset/);
    expect(await found.json("reset", "--cancel")).toEqual([{ type: "reset_cancelled", was_pending: true }]);
    expect(await found.json("reset", "--cancel")).toEqual([{ type: "reset_cancelled", was_pending: false }]);
    expect(readdirSync(anew.home)).toContain("vault.key");
  }, 60_000);
});
