/**
 * What scripts rely on, word for word (point 15 of the first issue): real server process, real commands, nothing else.
 * Groups are in cli-groups.test.ts.
 * The order matters within each block: it is one story.
 */
import {
  constants,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  verify as verifySignature,
} from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseLines, start, TestServer, type Person } from "./support/sotto.ts";

interface Row {
  readonly id: string;
  readonly conversation: string;
  readonly direction: "in" | "out";
  readonly from: string;
  readonly to: string;
  readonly suite: string;
  readonly body: string;
  readonly status: string;
  readonly sent_at: number;
  readonly envelope?: Envelope | null;
}
interface Envelope {
  readonly sender_id: string;
  readonly recipient_id: string;
  readonly encrypted_content: string;
  readonly encrypted_aes_key: string;
  readonly signature: string;
  readonly timestamp: number;
}

const id = /^[0-9a-f]{32}$/;
const alicePhone = "+15551230001";
const bobPhone = "+15551230002";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
}, 60_000);
afterAll(() => server?.stop());

describe("serve", () => {
  test("prints a line with the address once it accepts connections; the address answers", async () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test("ends with 0 on SIGTERM, and a later start has the same key", async () => {
    const before = server.fingerprint;
    expect(await server.down()).toMatchObject({ code: 0 });
    await server.up();
    expect(server.fingerprint).toBe(before);
  });

  test("--max-users refuses the next account with a clear error", async () => {
    const small = await TestServer.start(["--max-users", "1"]);
    try {
      await small.registered("+15551230011");
      const second = small.person("+15551230012");
      const { code, stderr } = await second.run("register", "--phone", second.phone, "--request-only");
      expect(code).toBe(1);
      expect(stderr).toContain("server_full");
      expect(stderr).toContain("What to do:");
    } finally {
      await small.stop();
    }
  });
});

describe("register", () => {
  let alice: Person;
  beforeAll(() => {
    alice = server.person(alicePhone);
  });

  test("--request-only has a code sent: one line of JSON in the file of --otp file:", async () => {
    const { code, stdout } = await alice.run("register", "--phone", "+1 (555) 123-0001", "--request-only");
    expect(code).toBe(0);
    expect(stdout).toContain(alicePhone);
    const [line = ""] = readFileSync(server.otpFile, "utf8").split("\n");
    expect(JSON.parse(line)).toEqual({
      identifier: alicePhone,
      code: expect.stringMatching(/^\d{6}$/) as string,
    });
    expect(existsSync(join(alice.home, "vault.key"))).toBe(false);
  });

  test("a wrong code is refused, says what to do, and leaves no account", async () => {
    const right = server.code(alicePhone) ?? "";
    const wrong = right === "000000" ? "000001" : "000000";
    const { code, stderr } = await alice.run("register", "--phone", alicePhone, "--code", wrong, "--json");
    expect(code).toBe(1);
    expect(parseLines(stderr).at(-1)).toMatchObject({
      type: "error",
      code: "code_refused",
      message: expect.any(String) as string,
    });
    expect((await alice.run("contacts")).code).toBe(1);
  });

  test("a server with another key than --server-key is refused", async () => {
    const other = "A".repeat(43);
    const { code, stderr } = await alice.run(
      "register",
      "--phone",
      alicePhone,
      "--server-key",
      other,
      "--code",
      "123456",
    );
    expect(code).toBe(1);
    expect(stderr).toContain("server_key_mismatch");
  });

  test("--code registers; the key may be given as a file", async () => {
    const pem = join(server.folder, "data", "server_public_key.pem");
    const right = server.code(alicePhone) ?? "";
    const [answer] = parseLines(
      await alice.ok("register", "--phone", alicePhone, "--server-key", pem, "--code", right, "--json"),
    );
    expect(answer).toMatchObject({
      type: "registered",
      identifier: alicePhone,
      account_id: expect.stringMatching(id) as string,
      device_id: expect.stringMatching(id) as string,
      server_fingerprint: server.fingerprint,
    });
    expect(statSync(alice.home).mode & 0o777).toBe(0o700);
  });

  test("the fingerprint works as well, and the code may come on standard input", async () => {
    const bob = server.person(bobPhone);
    // The server is asked for a code, and the script hands it on when it is there.
    const args = ["register", "--server-key", server.fingerprint, "--phone", bobPhone, "--code", "-"];
    const running = start(args, bob.env, "pipe");
    const code = await server.nextCode(bobPhone);
    running.child.stdin?.end(`${code}\n`);
    // What to do next is not to write to oneself.
    const next = 'Next: sotto send +15551230001 "Hello"';
    expect(await running.ended).toMatchObject({ code: 0, stderr: expect.stringContaining(next) as string });
  });

  test("an invite link carries the key; e-mail addresses work", async () => {
    const link = `sotto://${new URL(server.url).host}/?plain#${server.fingerprint}`;
    const eve = server.person("eve@example.org");
    await eve.ok("register", "--server", link, "--email", "Eve@Example.org", "--request-only");
    const code = server.code("eve@example.org") ?? "";
    const out = await eve.ok("register", "--server", link, "--email", "eve@example.org", "--code", code);
    expect(out).toContain("Registered eve@example.org");
  });

  test("a folder with an account, and a taken identifier, are refused", async () => {
    const again = await alice.run("register", "--phone", "+15551230099", "--code", "123456");
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("vault_exists");
    const thief = server.person("+15551230098");
    const taken = await thief.run("register", "--phone", alicePhone, "--request-only");
    // The same answer as for a free number: nobody learns who has an account.
    expect(taken.code).toBe(0);
    const code = server.code(alicePhone) ?? "";
    const { code: exit, stderr } = await thief.run("register", "--phone", alicePhone, "--code", code);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/identifier_taken|code_refused/);
  });
});

describe("messages", () => {
  let alice: Person;
  let bob: Person;
  let sentId: string;
  beforeAll(() => {
    alice = server.person(alicePhone);
    bob = server.person(bobPhone);
  });

  test("send prints the message's id once the server has it", async () => {
    const out = await alice.ok("send", bobPhone, "Hello Bob");
    sentId = out.trim();
    expect(sentId).toMatch(id);
    const [row] = await alice.json<Row>("history", bobPhone, "--offline");
    expect(row).toMatchObject({ id: sentId, status: "sent" });
  });

  test("receive --json prints each message once, with exactly these members", async () => {
    const messages = await bob.json("receive");
    expect(messages).toEqual([
      {
        type: "message",
        id: sentId,
        conversation: alicePhone,
        from: alicePhone,
        suite: "mls",
        body: "Hello Bob",
        sent_at: expect.any(Number) as number,
      },
    ]);
    expect(Math.abs((messages[0]?.["sent_at"] as number) - Date.now() / 1000)).toBeLessThan(120);
    expect(await bob.json("receive")).toEqual([]);
  });

  test("history --json has exactly these members, and the receipts have come", async () => {
    expect(await alice.json<Row>("history", bobPhone)).toMatchObject([{ status: "delivered" }]);
    expect(await bob.json("conversations")).toMatchObject([
      { conversation: alicePhone, request_from: alicePhone },
    ]);
    expect(await bob.json("conversations", "accept", alicePhone)).toEqual([
      {
        conversation: alicePhone,
        unread: 0,
        pinned: false,
        archived: false,
        muted_until: 0,
        marked_unread: false,
      },
    ]);
    const [row] = await alice.json<Row>("history", bobPhone);
    expect(row).toEqual({
      id: sentId,
      conversation: bobPhone,
      direction: "out",
      from: alicePhone,
      to: bobPhone,
      suite: "mls",
      body: "Hello Bob",
      status: "read",
      sent_at: expect.any(Number) as number,
    });
    const [incoming] = await bob.json<Row>("history", alicePhone);
    expect(incoming).toMatchObject({
      id: sentId,
      conversation: alicePhone,
      direction: "in",
      from: alicePhone,
      to: bobPhone,
    });
  });

  test("- reads the text from standard input, multi-byte and of several lines", async () => {
    const text = "Grüße\n日本語 👩‍👩‍👧\n";
    expect((await start(["send", bobPhone, "-"], alice.env, { input: text }).ended).code).toBe(0);
    const [message] = await bob.json("receive");
    expect(message?.["body"]).toBe("Grüße\n日本語 👩‍👩‍👧");
  });

  test("--no-wait only queues; the next connection sends; order is kept", async () => {
    const queued = (await alice.ok("send", "--no-wait", bobPhone, "first")).trim();
    expect(queued).toMatch(id);
    expect((await alice.json<Row>("history", bobPhone, "--offline")).at(-1)).toMatchObject({
      id: queued,
      status: "queued",
    });
    await alice.ok("send", bobPhone, "second");
    expect((await bob.json("receive")).map(({ body }) => body)).toEqual(["first", "second"]);
  });

  test("receive --wait stays for so long and prints what comes meanwhile", async () => {
    const started = Date.now();
    const waiting = bob.start("receive", "--json", "--wait", "4");
    await alice.ok("send", bobPhone, "live");
    await waiting.printed(/"body":"live"/);
    expect(Date.now() - started).toBeLessThan(4_000);
    const { code, stdout } = await waiting.ended;
    expect(code).toBe(0);
    expect(Date.now() - started).toBeGreaterThanOrEqual(4_000);
    expect(parseLines(stdout)).toHaveLength(1);
    expect((await alice.json<Row>("history", bobPhone)).at(-1)).toMatchObject({
      body: "live",
      status: "read",
    });
  });

  test("read receipts can be switched off: then it stays at delivered", async () => {
    await bob.ok("settings", "--read-receipts", "off");
    await alice.ok("send", bobPhone, "quietly");
    await bob.ok("receive");
    expect((await alice.json<Row>("history", bobPhone)).at(-1)).toMatchObject({
      body: "quietly",
      status: "delivered",
    });
    await bob.ok("settings", "--read-receipts", "on");
  });

  test("while the server is away: a clear error, history from the vault, and nothing is lost", async () => {
    await server.down();
    const { code, stderr } = await alice.run("send", "--timeout", "1", "--json", bobPhone, "kept");
    expect(code).toBe(1);
    const [error] = parseLines(stderr);
    expect(error).toMatchObject({
      type: "error",
      code: "server_unreachable",
      id: expect.stringMatching(id) as string,
    });
    expect(error?.["message"]).toContain("queued");
    const started = Date.now();
    expect((await alice.json<Row>("history", bobPhone)).at(-1)).toMatchObject({
      body: "kept",
      status: "queued",
    });
    expect(Date.now() - started).toBeLessThan(10_000);
    await server.up();
    await alice.ok("receive");
    expect((await bob.json("receive")).map(({ body }) => body)).toEqual(["kept"]);
  });

  test("--suite classic still works, in the same conversation, and nothing else falls back to it", async () => {
    await alice.ok("send", "--suite", "classic", bobPhone, "the old way");
    expect(await bob.json("receive")).toMatchObject([{ suite: "classic", body: "the old way" }]);
    await bob.ok("send", alicePhone, "the new way");
    expect(await alice.json("receive")).toMatchObject([{ suite: "mls", body: "the new way" }]);
    const suites = (await alice.json<Row>("history", bobPhone)).slice(-2).map(({ suite }) => suite);
    expect(suites).toEqual(["classic", "mls"]);
  });

  test("history --raw: the six members as they travelled; the exported keys open and verify them", async () => {
    const rows = await bob.json<Row>("history", alicePhone, "--raw");
    const { envelope } = rows.find(({ suite }) => suite === "classic") ?? {};
    expect(Object.keys(envelope ?? {}).toSorted()).toEqual(
      [
        "sender_id",
        "recipient_id",
        "encrypted_content",
        "encrypted_aes_key",
        "signature",
        "timestamp",
      ].toSorted(),
    );
    const privatePem = await bob.ok("keys", "export", "--classic", "--private", "--pem");
    const alicePem = await bob.ok("keys", "show", alicePhone, "--pem");
    expect(openClassic(envelope as Envelope, privatePem, alicePem)).toMatchObject({
      type: "text",
      body: "the old way",
    });
    // A message over MLS cannot be opened again by anybody: there is nothing to show.
    expect(rows.filter(({ suite }) => suite === "mls").every((row) => row.envelope === null)).toBe(true);
  });

  test("history --limit gives the newest, oldest first", async () => {
    const all = await alice.json<Row>("history", bobPhone, "--offline");
    const some = await alice.json<Row>("history", bobPhone, "--offline", "--limit", "2");
    expect(some).toEqual(all.slice(-2));
    expect(all.length).toBeGreaterThan(5);
  });

  test("somebody who is not registered: the message fails for good, and says why", async () => {
    const { code, stderr } = await alice.run("send", "+15551230077", "anyone?");
    expect(code).toBe(1);
    expect(stderr).toContain("identifier_not_found");
  });
});

/** Opens a classic message with node:crypto alone, as the specification says. */
function openClassic(envelope: Envelope, recipientPrivatePem: string, senderPublicPem: string): unknown {
  const { signature, ...signed } = envelope;
  // RFC 8785 for members like these: sorted names, no spaces.
  const canonical = JSON.stringify(
    Object.fromEntries(Object.entries(signed).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
  const genuine = verifySignature(
    "sha256",
    Buffer.from(canonical),
    { key: createPublicKey(senderPublicPem), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    Buffer.from(signature, "base64"),
  );
  if (!genuine) throw new Error("the signature does not verify");
  const key = privateDecrypt(
    {
      key: createPrivateKey(recipientPrivatePem),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: "sha256",
    },
    Buffer.from(envelope.encrypted_aes_key, "base64"),
  );
  const content = Buffer.from(envelope.encrypted_content, "base64");
  const decipher = createDecipheriv("aes-256-cfb", key, content.subarray(0, 16));
  const plaintext = Buffer.concat([decipher.update(content.subarray(16)), decipher.final()]);
  return JSON.parse(plaintext.toString("utf8"));
}

describe("people and keys", () => {
  let alice: Person;
  let bob: Person;
  beforeAll(() => {
    alice = server.person(alicePhone);
    bob = server.person(bobPhone);
  });

  test("verify shows 60 digits, equal on both sides, and --confirm marks the contact", async () => {
    const [here] = await alice.json("verify", bobPhone);
    const [there] = await bob.json("verify", alicePhone);
    expect(here).toEqual({
      safety_number: expect.stringMatching(/^\d{5}(?: \d{5}){11}$/) as string,
      verified: false,
    });
    expect(there?.["safety_number"]).toBe(here?.["safety_number"]);
    const text = await alice.ok("verify", bobPhone);
    expect(text.split(/\s+/).join(" ").trim()).toBe(here?.["safety_number"]);
    expect(await alice.json("verify", bobPhone, "--confirm")).toEqual([{ ...here, verified: true }]);
    expect(await alice.json("contacts")).toContainEqual({
      identifier: bobPhone,
      name: "",
      account_id: expect.stringMatching(id) as string,
      verified: true,
      blocked: false,
      identity_changed: false,
      devices: 1,
    });
    expect(await alice.json("verify", bobPhone, "--revoke")).toEqual([{ ...here, verified: false }]);
  });

  test("verify --compare marks the contact when the number is theirs, typed or scanned, and says when it is not", async () => {
    const [here] = await alice.json("verify", bobPhone);
    const number = String(here?.["safety_number"]);
    const other = number.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
    const differs = await alice.run("verify", bobPhone, "--compare", other, "--json");
    expect(differs).toMatchObject({ code: 1, stdout: "" });
    expect(parseLines(differs.stderr).at(-1)).toMatchObject({ code: "safety_number_differs" });
    const none = await alice.run("verify", bobPhone, "--compare", number.slice(6));
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("60 digits");
    expect(await alice.json("verify", bobPhone)).toEqual([{ ...here, verified: false }]);
    for (const given of [number, `SOTTO-SAFETY:1:${number.replaceAll(" ", "")}`]) {
      expect(await alice.json("verify", bobPhone, "--compare", given)).toEqual([{ ...here, verified: true }]);
      await alice.ok("verify", bobPhone, "--revoke");
    }
  });

  test("contacts add looks somebody up; acknowledge without a change does nothing", async () => {
    expect(await alice.json("contacts", "add", "eve@example.org")).toMatchObject([
      { identifier: "eve@example.org" },
    ]);
    const nobody = await alice.run("contacts", "add", "+15551230076");
    expect(nobody).toMatchObject({ code: 1 });
    expect(nobody.stderr).toContain("identifier_not_found");
    expect(await alice.run("contacts", "acknowledge", bobPhone)).toMatchObject({ code: 0 });
  });

  test("devices lists this one", async () => {
    expect(await alice.json("devices")).toEqual([
      {
        id: expect.stringMatching(id) as string,
        name: expect.any(String) as string,
        added_at: expect.any(Number) as number,
        current: true,
        revoked: false,
      },
    ]);
  });

  test("rotate: a new key, and what is under way to the old one is still read", async () => {
    const before = await alice.ok("keys", "show", bobPhone, "--pem");
    await alice.ok("send", "--suite", "classic", bobPhone, "to the old key");
    const [rotated] = await bob.json("keys", "rotate");
    expect(rotated).toMatchObject({
      type: "rotated",
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect((await bob.json("receive")).map(({ body }) => body)).toContain("to the old key");
    await alice.ok("send", "--suite", "classic", bobPhone, "to the new key");
    expect((await bob.json("receive")).map(({ body }) => body)).toEqual(["to the new key"]);
    const after = await bob.ok("keys", "show", "--pem");
    expect(after).not.toBe(before);
    // A message signed by the new key makes the other side look again.
    await bob.ok("send", "--suite", "classic", alicePhone, "signed by the new key");
    expect((await alice.json("receive")).map(({ body }) => body)).toEqual(["signed by the new key"]);
    expect(await alice.ok("keys", "show", bobPhone, "--pem")).toBe(after);
  });

  test("revoke: the old key is gone, messages go on with the new one", async () => {
    const old = await bob.ok("keys", "export", "--classic", "--private", "--pem");
    const refused = await bob.run("keys", "revoke");
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain("--yes");
    await bob.ok("keys", "revoke", "--yes");
    expect(await bob.ok("keys", "export", "--classic", "--private", "--pem")).not.toBe(old);
    await bob.ok("send", "--suite", "classic", alicePhone, "signed after the revocation");
    expect((await alice.json("receive")).map(({ body }) => body)).toEqual(["signed after the revocation"]);
    await alice.ok("send", "--suite", "classic", bobPhone, "after the revocation");
    expect((await bob.json("receive")).map(({ body }) => body)).toEqual(["after the revocation"]);
  });

  test("keys export wants to be told in full, and the right passphrase", async () => {
    expect(await bob.run("keys", "export")).toMatchObject({ code: 2 });
    const pem = await bob.ok("keys", "export", "--classic", "--private", "--pem");
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\s\S]+-----END PRIVATE KEY-----\n$/);
    const shown = await bob.ok("keys", "show", "--pem");
    const derived = createPublicKey(createPrivateKey(pem)).export({ type: "spki", format: "pem" });
    expect(shown.trim()).toBe(String(derived).trim());
  });

  test("passphrase change: the old one stops to work, the new one opens, and a wrong one changes nothing", async () => {
    const wrong = await start(["history", bobPhone], { ...alice.env, SOTTO_PASSPHRASE: "wrong" }).ended;
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("passphrase_wrong");
    const change = await start(["passphrase", "change", "--json"], {
      ...alice.env,
      SOTTO_NEW_PASSPHRASE: "new words",
    }).ended;
    expect(change).toMatchObject({ code: 0 });
    expect(await alice.run("devices")).toMatchObject({ code: 1 });
    const opened = await start(["devices"], { ...alice.env, SOTTO_PASSPHRASE: "new words" }).ended;
    expect(opened.code).toBe(0);
    const back = { ...alice.env, SOTTO_PASSPHRASE: "new words", SOTTO_NEW_PASSPHRASE: alice.passphrase };
    expect(await start(["passphrase"], back).ended).toMatchObject({ code: 0 });
  });

  test("only one process uses an account at a time, and the second is told", async () => {
    const waiting = alice.start("receive", "--wait", "5");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const { code, stderr } = await alice.run("devices");
    expect(code).toBe(1);
    expect(stderr).toContain("vault_locked");
    waiting.child.kill("SIGINT");
    expect(await waiting.ended).toMatchObject({ code: 130 });
    expect(await alice.run("devices")).toMatchObject({ code: 0 });
  });
});

describe("text that means harm", () => {
  const hostile = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e<script>alert("x")</script>&\n second line';
  let alice: Person;
  let bob: Person;
  beforeAll(async () => {
    alice = server.person(alicePhone);
    bob = server.person(bobPhone);
    await alice.ok("send", bobPhone, hostile);
  }, 60_000);

  test("receive and history show it without letting it act; JSON gives it back as it was", async () => {
    // oxlint-disable-next-line no-control-regex
    const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
    const plain = await bob.ok("receive");
    expect(plain).toContain("<script>");
    expect(plain).not.toMatch(control);
    expect(await bob.ok("history", alicePhone)).not.toMatch(control);
    const json = await bob.ok("history", alicePhone, "--json");
    expect(json).not.toMatch(control);
    expect(parseLines<Row>(json).at(-1)?.body).toBe(hostile);
  });

  test("export: JSON as it was, text and HTML harmless; files are private", async () => {
    const json = JSON.parse(await bob.ok("export", "--format", "json")) as {
      conversations: { peer: string; messages: Row[] }[];
    };
    const mine = json.conversations.find(({ peer }) => peer === alicePhone);
    expect(mine?.messages.at(-1)?.body).toBe(hostile);
    expect(mine?.messages[0]?.body).toBe("Hello Bob");

    const text = await bob.ok("export", "--format", "txt");
    expect(text).toContain("Hello Bob");
    expect(text).not.toContain("\u001b");

    const file = join(server.folder, "history.html");
    writeFileSync(file, "an older copy");
    await bob.ok("export", "--format", "html", "--out", file);
    const html = readFileSync(file, "utf8");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(html).toContain("Hello Bob");
    expect(html).toContain("&lt;script&gt;");
    expect(html).not.toContain("<script");
    expect(html).not.toMatch(/(?:src|href)=/);
    expect(html).not.toContain("\u202e");
  });

  test("export says when it cannot write, and leaves nothing behind", async () => {
    const { code, stderr } = await bob.run(
      "export",
      "--format",
      "txt",
      "--out",
      join(server.folder, "no", "such.txt"),
    );
    expect(code).toBe(1);
    expect(stderr).toContain("storage_failed");
  });
});
