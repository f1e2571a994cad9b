/** Draws the whole screen into a terminal emulator: every frame must fit, whatever is in the messages. */
import { Console } from "node:console";
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import xterm from "@xterm/headless";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ChatModel } from "../../src/chat/model.ts";
import { Screen } from "../../src/chat/screen.ts";
import { startApp } from "../../src/chat/terminal-app.ts";
import { themeFor } from "../../src/chat/theme.ts";
import { FakeMessenger } from "../support/fake-messenger.ts";

// Ink makes a console of its own with it; vitest's has none.
Object.assign(console, { Console });

const bob = "+15551230002";
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A stdout that is a terminal emulator. */
class EmulatedOutput extends EventEmitter {
  readonly isTTY = true;
  readonly terminal: InstanceType<typeof xterm.Terminal>;
  columns: number;
  rows: number;
  raw = "";

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
    this.terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  }

  write(data: string, done?: () => void): boolean {
    this.raw += data;
    this.terminal.write(data, done);
    return true;
  }

  lines(): string[] {
    const { active } = this.terminal.buffer;
    return Array.from({ length: this.rows }, (_, row) => active.getLine(row)?.translateToString(true) ?? "");
  }
}

async function draw(messenger: FakeMessenger, columns = 80, rows = 24, env: Record<string, string> = {}) {
  const model = new ChatModel(messenger);
  const screen = new Screen(model, columns, rows, () => undefined);
  await model.start();
  const stdout = new EmulatedOutput(columns, rows);
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => undefined,
    ref: () => undefined,
    unref: () => undefined,
  });
  const streams = [stdin as unknown as NodeJS.ReadStream, stdout as unknown as NodeJS.WriteStream] as const;
  const app = startApp(screen, themeFor(env), ...streams);
  cleanups.push(() => {
    void app.stop();
    model.stop();
  });
  const shows = (text: string | RegExp): Promise<void> =>
    vi.waitFor(() => expect(stdout.lines().join("\n")).toMatch(text), 3_000);
  return { model, screen, stdout, stdin, shows };
}

function withBob(): FakeMessenger {
  const messenger = new FakeMessenger();
  messenger.addContact(bob);
  messenger.put(bob, "in", "Hello there");
  return messenger;
}

/** A group of 31 whose name tries to pass for Bob and to clear the screen. */
async function drawGroup(columns: number, rows: number) {
  const messenger = withBob();
  const people = Array.from({ length: 30 }, (_, index) => `person${index}@example.org`);
  messenger.addContact("person0@example.org", { verified: true });
  const { id } = messenger.addGroup(`${bob}\u202e\u001b[2J`, people);
  messenger.put(id, "in", "Hello all", { from: "person0@example.org" });
  const drawn = await draw(messenger, columns, rows);
  await drawn.model.select(id);
  await drawn.shows("Hello all");
  return drawn;
}

describe("the drawn screen", () => {
  test("80×24: who, connection, list, messages, keys", async () => {
    const { stdout, shows } = await draw(withBob());
    await shows("Hello there");
    const lines = stdout.lines();
    expect(lines[0]).toMatch(/^ Sotto {2}\+15551230001 +● online$/);
    expect(lines[1]).toMatch(/▸ \+15551230002.*│ \+15551230002 {2}unverified {2}mls/);
    expect(lines.at(-2)).toContain("> Write a message");
    expect(lines.at(-1)).toBe(" ? help  Tab switch  Ctrl+N new  Ctrl+P menu  Ctrl+T verify  Ctrl+C quit");
  });

  test("the newest message is classic: the title says that it has no forward secrecy", async () => {
    const messenger = withBob();
    messenger.put(bob, "in", "old ways", { suite: "classic" });
    const { stdout, shows } = await draw(messenger);
    await shows("old ways");
    expect(stdout.lines()[1]).toContain("classic: no forward secrecy");
  });

  test("a group says so, with its people and who wrote; its name cannot pass for a person", async () => {
    const { stdout } = await drawGroup(80, 24);
    const lines = stdout.lines();
    expect(lines[1]).toMatch(/▸ # \+1555.*│ # \+15551230002.* {2}31 members, 1 of 30 verified/);
    expect(lines.join("\n")).toContain("person0@example.org ✓");
    expect(lines.at(-1)).toContain("Ctrl+T members");
    expect(stdout.raw).not.toContain("\u202e");
    expect(stdout.raw).not.toContain("\u001b[2J");
  });

  test.each([
    [80, 24],
    [40, 12],
    [24, 8],
  ])("%i×%i: the people of a group scroll, and the keys stay in sight", async (columns, rows) => {
    const { stdin, stdout, shows } = await drawGroup(columns, rows);
    stdin.write("\u0014");
    await shows("31 members of #");
    for (let i = 0; i < 30; i++) stdin.write("\u001b[B");
    await shows(/▸ person29@ex/);
    await shows(/Esc/);
    expect(stdout.lines()[0]).toContain("Sotto");
  });

  test("the help fits into 80×24", async () => {
    const { stdin, shows, stdout } = await draw(withBob());
    await shows("Hello there");
    stdin.write("?");
    await shows("Any key closes this.");
    for (const what of ["Enter", "Ctrl+N", "Ctrl+T", "Ctrl+C", "queued", "delivered", "failed"]) {
      expect(stdout.lines().join("\n")).toContain(what);
    }
  });

  test("keys reach the composer and the cursor follows", async () => {
    const { stdin, stdout, shows } = await draw(withBob());
    await shows("Hello there");
    stdin.write("Grüße 日本");
    await shows("> Grüße 日本");
    const { active } = stdout.terminal.buffer;
    await vi.waitFor(() => expect(active.cursorY).toBe(22));
    expect(active.cursorX).toBe(26 + 2 + "Grüße ".length + 4);
  });

  test("a paste of several lines is one draft, not several messages", async () => {
    const { stdin, shows, screen } = await draw(withBob());
    await shows("Hello there");
    stdin.write("\u001b[200~first\rsecond\u001b]0;evil\u0007\u001b[201~");
    await shows("second");
    expect(screen.getSnapshot().draft.text).toBe("first\nsecond]0;evil");
  });

  test("hostile text changes nothing but its own lines", async () => {
    const messenger = withBob();
    messenger.put(bob, "in", "\u001b[2J\u001b[H\u001b]0;owned\u0007\u009b31m\u202eevil\nsecond line");
    const { stdout, shows } = await draw(messenger);
    await shows("second line");
    const lines = stdout.lines();
    expect(lines[0]).toMatch(/Sotto.*online/);
    expect(lines.join("\n")).toContain("␛[2J");
    expect(stdout.raw).not.toContain("\u001b[2J");
    expect(stdout.raw).not.toContain("\u001b]0;");
    expect(stdout.raw).not.toContain("\u202e");
  });

  test("NO_COLOR: no colour at all, and states are still told apart", async () => {
    const messenger = withBob();
    messenger.put(bob, "out", "one", { status: "read" });
    messenger.put(bob, "out", "two", { status: "failed", problem: "no_usable_key" });
    const { stdout, shows } = await draw(messenger, 80, 24, { NO_COLOR: "1" });
    await shows("✗ failed");
    await shows("✓✓ read");
    // oxlint-disable-next-line no-control-regex
    expect(stdout.raw).not.toMatch(/\u001b\[(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]/);
  });

  test("thousands of messages at once: a few drawings, and the newest is there", async () => {
    const messenger = withBob();
    const { stdout, shows } = await draw(messenger);
    await shows("Hello there");
    const started = performance.now();
    for (let i = 0; i < 5_000; i++) messenger.arrive(bob, `flood ${i}`);
    await shows("flood 4999");
    expect(performance.now() - started).toBeLessThan(5_000);
    // Not a frame for each: the whole screen is about 2 KB.
    expect(stdout.raw.length).toBeLessThan(200_000);
  });

  test("a resize is drawn anew, down to one pane, to nothing, and back", async () => {
    const { stdout, shows } = await draw(withBob());
    await shows("Hello there");
    const frames: string[] = [];
    for (const [columns, rows] of [
      [50, 18],
      [24, 8],
      [10, 3],
      [120, 40],
      [80, 24],
    ] as const) {
      stdout.columns = columns;
      stdout.rows = rows;
      stdout.terminal.resize(columns, rows);
      stdout.emit("resize");
      // What was written so far is parsed by then: the frame is there at once, no stale one before it.
      await new Promise<void>((resolve) => stdout.terminal.write("", resolve));
      frames.push(stdout.lines()[0] ?? "");
    }
    await shows("Hello there");
    expect(frames).toEqual([
      expect.stringMatching(/^ Sotto.*● online$/),
      expect.stringMatching(/^ Sotto.*● online$/),
      expect.stringMatching(/^Sotto:/),
      expect.stringMatching(/^ Sotto.*● online$/),
      expect.stringMatching(/^ Sotto.*● online$/),
    ]);
  });
});
