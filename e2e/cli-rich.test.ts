/** Answers, reactions, edits, deletions and timers on the command line: real server process, real commands. One story, in order. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseLines, TestServer, type Person } from "./support/sotto.ts";

interface Row {
  readonly id: string;
  readonly body: string;
  readonly [member: string]: unknown;
}

const annPhone = "+15551230001";
const benPhone = "+15551230002";

let server: TestServer;
let ann: Person;
let ben: Person;
const rowsOf = async (person: Person, peer: string): Promise<readonly Row[]> =>
  parseLines(await person.ok("history", peer, "--json")) as readonly Row[];

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered(annPhone);
  ben = await server.registered(benPhone);
}, 120_000);
afterAll(() => server?.stop());

describe("messages that change", { timeout: 120_000 }, () => {
  let first = "";

  test("an answer quotes its message; ids may be cut short", async () => {
    first = (await ann.ok("send", benPhone, "Shall we?")).trim();
    expect(await ben.ok("receive")).toContain("Shall we?");
    const ids = await ben.ok("history", annPhone, "--ids");
    expect(ids).toMatch(new RegExp(`^${first.slice(0, 8)}  \\d{4}-`));
    await ben.ok("send", annPhone, "Yes", "--reply-to", first.slice(0, 8));
    const received = await ann.ok("receive");
    expect(received).toContain(`    > ${annPhone}: Shall we?\n    Yes`);
    expect((await rowsOf(ann, benPhone)).at(-1)?.["reply_to"]).toEqual({
      id: first,
      from: annPhone,
      body: "Shall we?",
      found: true,
    });
  });

  test("react, and take it back", async () => {
    const [row] = parseLines(await ben.ok("react", annPhone, first, "👍", "--json"));
    expect(row).toMatchObject({ id: first, reactions: [{ emoji: "👍", from: benPhone }] });
    expect(await ann.ok("history", benPhone)).toContain("    👍");
    await ben.ok("react", annPhone, first, "--remove");
    expect((await rowsOf(ann, benPhone))[0]?.["reactions"]).toBeUndefined();
    for (const args of [[], ["👍", "--remove"], ["fine"]]) {
      const { code } = await ben.run("react", annPhone, first, ...args);
      expect(code).toBe(2);
    }
    expect((await ben.run("react", annPhone, "abcdef12", "👍")).stderr).toContain("begins with abcdef12");
    expect((await ben.run("react", annPhone, "no", "👍")).code).toBe(2);
  });

  test("edit", async () => {
    expect(await ann.ok("edit", benPhone, first, "Shall we go?")).toContain("(edited)");
    await ben.ok("receive");
    const [row] = await rowsOf(ben, annPhone);
    expect(row).toMatchObject({ body: "Shall we go?", edited_at: expect.any(Number) as number });
    expect((await ben.run("edit", annPhone, first, "mine")).code).toBe(2);
  });

  test("search finds words as they are now, whatever their case, by whom and where they were written", async () => {
    expect(await ben.ok("search", "SHALL", "g")).toMatch(
      new RegExp(
        `^${first.slice(0, 8)}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d \\${annPhone}\\n    Shall we go\\?\\n$`,
      ),
    );
    const [hit, ...others] = parseLines(
      await ann.ok("search", "go", "--from", "me", "--in", benPhone, "--json"),
    );
    expect(others).toEqual([]);
    expect(hit).toMatchObject({
      id: first,
      body: "Shall we go?",
      snippet: "Shall we go?",
      highlights: [[9, 11]],
    });
    for (const nothing of [["shall", "yes"], ["--attachments"], ["yes", "--until", "2020-01-01"]]) {
      const found = await ben.run("search", ...nothing);
      expect(found).toMatchObject({ code: 0, stdout: "" });
      expect(found.stderr).toContain("Nothing was found.");
    }
    expect((await ben.run("search", "go", "--in", "+15551230009")).stderr).toContain("contact_unknown");
    expect((await ben.run("search")).code).toBe(2);
    expect((await ben.run("search", "go", "--since", "2026-02-30")).code).toBe(2);
  });

  test("delete: one's own from everybody, any here", async () => {
    const refused = await ben.run("delete", annPhone, first);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain("--here");
    const [done] = parseLines(await ann.ok("delete", benPhone, first, "--json"));
    expect(done).toEqual({ type: "deleted", id: first, for_everyone: true });
    expect(await ben.ok("history", annPhone)).toContain("(taken back)");
    expect((await rowsOf(ben, annPhone))[0]).toMatchObject({ body: "", deleted: true });
    expect(await ben.ok("export", annPhone, "--format", "html")).not.toContain("Shall we");
    expect(parseLines(await ben.ok("search", "shall", "--json"))).toEqual([]);
    await ben.ok("delete", annPhone, first.slice(0, 6), "--here");
    expect(await rowsOf(ben, annPhone)).toHaveLength(1);
    expect(await rowsOf(ann, benPhone)).toHaveLength(2);
  });

  test("timer: shown, set for both, carried by what is sent", async () => {
    expect((await ann.ok("timer", benPhone)).trim()).toBe(`${benPhone}: off`);
    expect((await ann.ok("timer", benPhone, "7d")).trim()).toBe(`${benPhone}: 1w`);
    await ben.ok("receive");
    expect(parseLines(await ben.ok("timer", annPhone, "--json"))).toEqual([
      { type: "timer", conversation: annPhone, seconds: 604_800 },
    ]);
    await ben.ok("send", annPhone, "kept a week");
    const received = parseLines(await ann.ok("receive", "--json"));
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ body: "kept a week", expires_after: 604_800 });
    const rows = await rowsOf(ann, benPhone);
    expect(rows.find(({ kind }) => kind === "timer")).toMatchObject({ timer: 604_800, from: annPhone });
    expect(rows.at(-1)?.["expires_at"]).toBeGreaterThan(Date.now() / 1000);
    await ben.ok("send", annPhone, "kept", "--expire", "off");
    expect(parseLines(await ann.ok("receive", "--json"))[0]).not.toHaveProperty("expires_after");
    expect((await ann.run("timer", benPhone, "soon")).code).toBe(2);
    expect((await ann.run("send", benPhone, "x", "--suite", "classic")).stderr).toContain(
      "suite_unavailable",
    );
  });

  test("what disappears is gone when its time is over, whoever looks", async () => {
    await ann.ok("send", benPhone, "gone at once", "--expire", "1s");
    expect(await ben.ok("receive")).toContain("gone at once");
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    for (const [person, peer] of [
      [ben, annPhone],
      [ann, benPhone],
    ] as const) {
      expect(await person.ok("history", peer, "--offline")).not.toContain("gone at once");
    }
  });

  test("in a group the timer is the admins', and a message of the classic suite takes no reaction", async () => {
    await ann.ok("group", "create", "Climbing", benPhone);
    await ben.ok("receive");
    const refused = await ben.run("timer", "Climbing", "1h");
    expect(refused.stderr).toContain("group_forbidden");
    expect((await ann.ok("timer", "Climbing", "1h")).trim()).toBe("Climbing: 1h");
    const classic = (
      await ann.ok("send", benPhone, "classic", "--suite", "classic", "--expire", "off")
    ).trim();
    const reaction = await ann.run("react", benPhone, classic, "👍");
    expect(reaction.code).toBe(1);
    expect(reaction.stderr).toContain("suite_unavailable");
  });
});
