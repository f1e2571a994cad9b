/**
 * What scripts rely on about groups, and what people read: real server process, real commands. The order matters within
 * each block: it is one story.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { concatBytes, utf8 } from "@sotto/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JPEG } from "../packages/client/test/support/pictures.ts";
import { parseLines, TestServer, type Person } from "./support/sotto.ts";

const id = /^[0-9a-f]{32}$/;
let server: TestServer;
let ann: Person;
let bob: Person;
let eve: Person;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered("+15551230051");
  bob = await server.registered("+15551230052");
  eve = await server.registered("eve@example.org");
  await server.registered("+15551230053");
}, 60_000);
afterAll(() => server?.stop());

interface Row {
  readonly id: string;
  readonly conversation: string;
  readonly body: string;
  readonly suite: string;
}

const bodies = async (person: Person, ...args: readonly string[]): Promise<string[]> =>
  (await person.json<Row>(...args)).map(({ body }) => body);
const noticesIn = (stderr: string): Record<string, unknown>[] =>
  parseLines<{ type: string; notice: Record<string, unknown> }>(stderr)
    .filter(({ type }) => type === "notice")
    .map(({ notice }) => notice);

describe("a group from its making to its end", () => {
  let groupId: string;

  test("create prints the group, and list has it on every side", async () => {
    const [group] = await ann.json("group", "create", "Book club", bob.phone, "Eve@Example.org");
    expect(group).toEqual({
      id: expect.stringMatching(id) as string,
      name: "Book club",
      epoch: expect.any(Number) as number,
      state: "joined",
      admin: true,
      members: 3,
    });
    groupId = String(group?.["id"]);
    expect(await bob.json("group", "list")).toEqual([{ ...group, admin: false }]);
    expect(await ann.ok("group", "list")).toBe(`Book club  3 members  you are an admin  ${groupId}\n`);
  });

  test("whoever was added can write to it before anything else", async () => {
    const dan = await server.registered("+15551230054");
    await ann.ok("group", "create", "Early", dan.phone);
    await dan.ok("send", "Early", "first!");
    expect(await bodies(ann, "receive")).toEqual(["first!"]);
  });

  test("whoever was added is told, on standard error", async () => {
    const { code, stdout, stderr } = await eve.run("receive", "--json");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(noticesIn(stderr)).toMatchObject([
      { type: "group_changed", group: "Book club", groupId, change: { kind: "joined", who: [eve.phone] } },
    ]);
  });

  test("its name works wherever a recipient does, and rows say where they belong", async () => {
    for (const person of [bob, eve]) await person.ok("conversations", "accept", "Book club");
    const sent = (await ann.ok("send", "Book club", "Chapter nine by Friday")).trim();
    for (const person of [bob, eve]) {
      expect(await person.json("receive")).toEqual([
        {
          type: "message",
          id: sent,
          conversation: "Book club",
          from: ann.phone,
          suite: "mls",
          body: "Chapter nine by Friday",
          sent_at: expect.any(Number) as number,
        },
      ]);
    }
    expect(await ann.json("history", "Book club")).toEqual([
      {
        id: sent,
        conversation: "Book club",
        direction: "out",
        from: ann.phone,
        to: "Book club",
        suite: "mls",
        body: "Chapter nine by Friday",
        status: "read",
        sent_at: expect.any(Number) as number,
      },
    ]);
    await eve.ok("send", groupId, "Already done");
    expect(await bob.ok("receive")).toMatch(/← eve@example\.org in Book club\n {4}Already done\n/);
    expect(await bodies(bob, "history", groupId, "--offline")).toEqual([
      "Chapter nine by Friday",
      "Already done",
    ]);
    const exported = JSON.parse(await bob.ok("export", "Book club", "--format", "json")) as {
      conversations: { peer: string; group_id: string; messages: Row[] }[];
    };
    expect(exported.conversations).toHaveLength(1);
    expect(exported.conversations[0]).toMatchObject({ peer: "Book club", group_id: groupId });
    expect(exported.conversations[0]?.messages.map(({ body }) => body)).toEqual([
      "Chapter nine by Friday",
      "Already done",
    ]);
  });

  test("members says who is in it, and who is verified", async () => {
    await ann.ok("verify", bob.phone, "--confirm");
    const members = await ann.json("group", "members", "Book club");
    expect(members.toSorted((a, b) => (String(a["identifier"]) < String(b["identifier"]) ? -1 : 1))).toEqual([
      { identifier: ann.phone, role: "admin", verified: true, devices: 1 },
      { identifier: bob.phone, role: "member", verified: true, devices: 1 },
      { identifier: eve.phone, role: "member", verified: false, devices: 1 },
    ]);
    expect(await ann.ok("group", "members", "Book club")).toMatch(
      /^eve@example\.org +member +not verified +1 device$/m,
    );
  });

  test("only admins change it; an admin can be made, and unmade", async () => {
    for (const args of [
      ["rename", "Book club", "Mine"],
      ["add", "Book club", "+15551230053"],
      ["remove", "Book club", eve.phone],
      ["admins", "Book club", "--add", bob.phone],
    ]) {
      const { code, stderr } = await bob.run("group", ...args, "--json");
      const error = parseLines(stderr).at(-1);
      expect({ args, code, error }).toMatchObject({ args, code: 1, error: { code: "group_forbidden" } });
    }
    const admins = await ann.json("group", "admins", "Book club", "--add", bob.phone);
    expect(admins.map(({ identifier }) => identifier).toSorted()).toEqual([ann.phone, bob.phone]);
    await bob.ok("group", "rename", "Book club", "Film club");
    await bob.ok("group", "admins", "Film club", "--remove", bob.phone);
    expect(await ann.json("group", "admins", "Film club")).toMatchObject([{ identifier: ann.phone }]);
    const unmade = await ann.run("group", "admins", "Film club", "--remove", ann.phone, "--json");
    expect(parseLines(unmade.stderr).at(-1)).toMatchObject({ code: "group_forbidden" });
  });

  test("its picture reaches everybody without what it tells of its making, and goes again", async () => {
    const file = `${ann.home}-cover.jpg`;
    const taken = utf8("Exif\0\0taken at home");
    writeFileSync(
      file,
      concatBytes(
        JPEG.subarray(0, 2),
        Uint8Array.of(0xff, 0xe1, 0, taken.length + 2),
        taken,
        JPEG.subarray(2),
      ),
    );
    await ann.ok("group", "picture", "Film club", file);
    const saved = `${bob.home}-saved.jpg`;
    await bob.ok("group", "picture", "Film club", "--save", saved);
    expect(readFileSync(saved)).toEqual(Buffer.from(JPEG));
    // A file that is there is not written over.
    expect((await bob.run("group", "picture", "Film club", "--save", saved)).code).toBe(2);
    await ann.ok("group", "picture", "Film club", "--none");
    const { code, stderr } = await bob.run("group", "picture", "Film club", "--save", `${saved}.2`);
    expect(code).toBe(2);
    expect(stderr).toContain("that group has no picture");
  });

  test("who is removed writes no more and reads nothing that comes; the others go on", async () => {
    expect(await ann.json("group", "remove", "Film club", eve.phone)).toMatchObject([{ members: 2 }]);
    await ann.ok("send", "Film club", "Without Eve");
    const { stdout, stderr } = await eve.run("receive", "--json");
    expect(stdout).toBe("");
    expect(noticesIn(stderr).at(-1)).toMatchObject({
      by: ann.phone,
      change: { kind: "removed", who: [eve.phone] },
    });
    const sending = await eve.run("send", groupId, "am I in?", "--json");
    expect(sending.code).toBe(1);
    expect(parseLines(sending.stderr).at(-1)).toMatchObject({ code: "group_forbidden" });
    expect(await eve.json("group", "list")).toMatchObject([{ id: groupId, state: "removed" }]);
    expect(await bodies(bob, "receive")).toEqual(["Without Eve"]);
  });

  test("who is added again reads from then on", async () => {
    await ann.ok("group", "add", "Film club", eve.phone);
    await ann.ok("send", "Film club", "Welcome back");
    expect(await bodies(eve, "receive")).toEqual(["Welcome back"]);
    expect(await bodies(bob, "receive")).toEqual(["Welcome back"]);
  });

  test("who leaves is gone for all; the last admin must name another first", async () => {
    const last = await ann.run("group", "leave", "Film club", "--json");
    expect(parseLines(last.stderr).at(-1)).toMatchObject({ code: "group_forbidden" });
    expect(await eve.json("group", "leave", "Film club")).toMatchObject([{ id: groupId, state: "left" }]);
    await ann.ok("receive");
    expect(noticesIn((await bob.run("receive", "--json")).stderr).at(-1)).toMatchObject({
      change: { kind: "left", who: [eve.phone] },
    });
    expect(
      (await ann.json("group", "members", "Film club")).map(({ identifier }) => identifier).toSorted(),
    ).toEqual([ann.phone, bob.phone]);
    expect(await bodies(eve, "history", groupId, "--offline")).toContain("Welcome back");
  });
});

describe("names that do not say which", () => {
  test("two groups of one name: the error lists their ids, which work", async () => {
    const [one] = await ann.json("group", "create", "Twins", bob.phone);
    const [other] = await ann.json("group", "create", "Twins", bob.phone);
    const { code, stderr } = await ann.run("send", "Twins", "to whom?", "--json");
    expect(code).not.toBe(0);
    const error = parseLines(stderr).at(-1);
    expect(error).toMatchObject({ type: "error", code: "group_ambiguous" });
    expect(error?.["message"]).toContain(one?.["id"]);
    expect(error?.["message"]).toContain(other?.["id"]);
    await ann.ok("send", String(other?.["id"]), "to the second");
    expect(await bodies(ann, "history", String(one?.["id"]))).toEqual([]);
    expect(await bodies(bob, "receive")).toEqual(["to the second"]);
  });

  test("a group that is called like a person gets nothing that is meant for that person", async () => {
    const [trap] = await eve.json("group", "create", bob.phone, ann.phone);
    await ann.ok("receive");
    await ann.ok("send", bob.phone, "for Bob's eyes");
    expect(await bodies(eve, "receive")).toEqual([]);
    expect(await bodies(bob, "receive")).toEqual(["for Bob's eyes"]);
    await ann.ok("send", String(trap?.["id"]), "for the group");
    expect(await bodies(eve, "receive")).toEqual(["for the group"]);
  });

  test("a name that nothing has: what a person and a group look like", async () => {
    const { code, stderr } = await ann.run("send", "Bok club", "hi");
    expect(code).toBe(2);
    expect(stderr).toContain("'Bok club' is none of your groups");
    expect(stderr).toContain("sotto group list");
    const members = await ann.run("group", "members", "Bok club", "--json");
    expect(members.code).toBe(1);
    expect(parseLines(members.stderr).at(-1)).toMatchObject({ code: "group_unknown" });
  });

  test("a group with somebody who is not registered is not made", async () => {
    const { code, stderr } = await ann.run("group", "create", "Nobody", "+15551239999", "--json");
    expect(code).toBe(1);
    expect(parseLines(stderr).at(-1)).toMatchObject({ code: "identifier_not_found" });
    expect((await ann.json("group", "list")).map(({ name }) => name)).not.toContain("Nobody");
  });

  test("a name that means harm does nothing to the terminal", async () => {
    const control = await ann.run("group", "create", "evil \u009b31m", bob.phone);
    expect(control.code).toBe(2);
    expect(control.stderr).toContain("no control character");
    const hostile = "\u202eevil \u2028\u2066[31m";
    await ann.ok("group", "create", hostile, bob.phone);
    const shown = await bob.ok("group", "list");
    // oxlint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|[\u2028-\u202e\u2066-\u2069]/);
    expect(shown).toContain("<U+202E>evil");
  });
});

describe("a link", () => {
  let link: { id: string; link: string; expires_at: number };

  test("invite prints it, for people and for scripts; links lists what is good", async () => {
    [link] = (await ann.json("group", "invite", "Film club", "--days", "1")) as unknown as [typeof link];
    expect(link).toEqual({
      id: expect.stringMatching(id) as string,
      link: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#\/join\/[\w-]+$/) as string,
      expires_at: expect.any(Number) as number,
    });
    expect(await ann.json("group", "links", "Film club")).toEqual([link]);
    expect(await ann.ok("group", "links", "Film club")).toContain(`${link.id.slice(0, 8)}  until `);
    expect(await bob.json("group", "links", "Film club")).toEqual([]);
  });

  test("join asks, requests shows who does, approve lets them in", async () => {
    const gil = await server.registered("+15551230056");
    const [asked] = await gil.json("group", "join", link.link);
    expect(asked).toMatchObject({ group: "Film club", state: "waiting" });
    expect(await gil.ok("group", "join")).toBe(`Film club  waits for an admin  ${link.id.slice(0, 8)}\n`);
    const { stdout, stderr } = await ann.run("group", "requests");
    expect(stdout).toMatch(/^Film club {2}\+15551230056 {2,}not verified/);
    expect(stderr).toContain("! Film club: +15551230056 asks to be let in ('sotto group requests').");
    expect(await ann.json("group", "requests", "Film club")).toMatchObject([
      { group: "Film club", identifier: gil.phone, name: "", verified: false },
    ]);
    await ann.ok("group", "approve", "Film club", gil.phone);
    expect(await gil.json("group", "list")).toMatchObject([{ name: "Film club", members: 3 }]);
    expect(await gil.json("group", "join")).toEqual([]);
    await ann.ok("group", "remove", "Film club", gil.phone);
  });

  test("refuse and revoke are told to who asked", async () => {
    const hal = await server.registered("+15551230057");
    await hal.ok("group", "join", link.link);
    await ann.ok("receive");
    await ann.ok("group", "refuse", "Film club", hal.phone);
    const told = await hal.run("group", "join");
    expect(told.stdout).toMatch(/^Film club {2}an admin did not let you in/);
    await ann.ok("group", "revoke", "Film club", link.id.slice(0, 8));
    expect(await ann.json("group", "links", "Film club")).toEqual([]);
    const wrong = await hal.run("group", "join", "https://example.org/", "--json");
    expect(parseLines(wrong.stderr).at(-1)).toMatchObject({ type: "error", code: "group_link_invalid" });
  });
});

describe("doctor", () => {
  test("--json: the vault, the connection, each conversation's epoch, and what heals", async () => {
    const [report, ...rest] = await ann.json("doctor");
    expect(rest).toEqual([]);
    expect(report).toMatchObject({
      vault: "open",
      connection: "online",
      problem: null,
      queued: 0,
      key_packages: expect.any(Number) as number,
      healing: [],
    });
    expect(report?.["conversations"]).toContainEqual({
      id: expect.stringMatching(id) as string,
      name: "Film club",
      kind: "group",
      epoch: expect.any(Number) as number,
      members: 2,
      state: "joined",
      pending: 0,
    });
  });

  test("for people: all is well, or what is not and what to do", async () => {
    const well = await ann.ok("doctor");
    expect(well).toMatch(/^✓ {2}Vault +open/m);
    expect(well).toMatch(/^✓ {2}Film club +2 members +epoch \d+$/m);
    expect(well).toContain("All is well.");
    await server.down();
    const { code, stdout } = await ann.run("doctor");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✗ {2}Connection +(?:offline|connecting) \(server_unreachable\)/m);
    expect(stdout).toContain("What to do: check the address");
    const [report] = await ann.json("doctor");
    expect(report).toMatchObject({ vault: "open", problem: "server_unreachable" });
    await server.up();
  });

  test("a change that is made while the server is away is kept, and goes out later", async () => {
    await server.down();
    const { code, stderr } = await ann.run("group", "rename", "Film club", "Cine club", "--json");
    expect(code).toBe(1);
    expect(parseLines(stderr).at(-1)).toMatchObject({ type: "error", code: "server_unreachable" });
    await server.up();
    await ann.ok("receive");
    expect((await ann.json("group", "list")).map(({ name }) => name)).toContain("Cine club");
    expect((await bob.json("group", "list")).map(({ name }) => name)).toContain("Cine club");
  });

  test("a vault that does not open is a finding, and the exit code says so", async () => {
    const broken = await server.registered("+15551230059");
    rmSync(join(broken.home, "vault.key"));
    const { code, stdout, stderr } = await broken.run("doctor", "--json");
    expect(code).toBe(1);
    expect(parseLines(stdout)).toMatchObject([{ vault: "closed", problem: expect.any(String) as string }]);
    expect(parseLines(stderr).at(-1)).toMatchObject({ type: "error" });
  });
});
