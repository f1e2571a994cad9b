/** A clock that is wrong: the terminal says so plainly, and nothing is lost by it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseLines, Person, TestServer } from "./support/sotto.ts";

const [annPhone, bobPhone] = ["+15551230081", "+15551230082"];
const hourMs = 3_600_000;
let server: TestServer;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered(annPhone);
  bob = await server.registered(bobPhone);
  await ann.ok("send", bobPhone, "hello");
  await bob.ok("receive");
}, 120_000);
afterAll(() => server?.stop());

test("a clock that is hours off: every command says so on standard error, and messages go through", async () => {
  bob.clockAheadMs = 3 * hourMs;
  const { code, stderr } = await bob.run("send", annPhone, "from the future");
  expect(code).toBe(0);
  expect(stderr).toContain("This device's clock is 3 hours ahead of the server's.");
  expect(await ann.json("receive")).toMatchObject([{ body: "from the future", suite: "mls" }]);
  const json = await bob.run("receive", "--json");
  expect(parseLines(json.stderr)).toMatchObject([
    { type: "notice", notice: { type: "clock_wrong", aheadMs: expect.closeTo(3 * hourMs, -4) as number } },
  ]);
  const said = await bob.ok("doctor");
  expect(said).toMatch(/^✗ {2}Clock +3 hours ahead of the server's$/m);
  expect(said).toContain("What to do: set this device's date, time and time zone right");
  expect(await bob.json("doctor")).toMatchObject([{ clock_ahead_sec: expect.closeTo(10_800, -1) as number }]);
  expect(await ann.ok("doctor")).toMatch(/^✓ {2}Clock +agrees with the server's$/m);
}, 60_000);

test("a classic message that is dated ahead is told at once, and shown when the clock was put right", async () => {
  await bob.ok("send", annPhone, "dated ahead", "--suite", "classic");
  const early = await ann.run("receive", "--json");
  expect(early.stdout).toBe("");
  expect(parseLines(early.stderr)).toMatchObject([
    { type: "notice", notice: { type: "held", from: bobPhone, code: "message_from_future" } },
  ]);
  // Three hours later.
  ann.clockAheadMs = 3 * hourMs;
  expect(await ann.json("receive")).toMatchObject([{ body: "dated ahead", suite: "classic" }]);
  ann.clockAheadMs = 0;
}, 60_000);

test("a clock that is a month off: no connection, no new account, and what to do about it", async () => {
  bob.clockAheadMs = -30 * 24 * hourMs;
  const { code, stderr } = await bob.run("send", annPhone, "from long ago");
  expect(code).toBe(1);
  expect(stderr).toContain("[clock_wrong]");
  expect(stderr).toContain("30 days behind the server's");
  expect(stderr).not.toContain("server_key_mismatch");
  const cleo = new Person(server, "+15551230083");
  cleo.clockAheadMs = 30 * 24 * hourMs;
  const begun = await cleo.run("register", "--phone", cleo.phone, "--request-only");
  expect(begun.code).toBe(1);
  expect(begun.stderr).toContain("this device's clock is 30 days ahead of the server's [clock_wrong]");
}, 60_000);
