/**
 * Files of 300 MB and processes that are killed: whoever sends, the server, and whoever receives, each with SIGKILL in the middle. The file
 * arrives as it was, under one blob: nothing was begun anew. None of them ever holds more than a part of it in memory.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SeededRandom } from "@sotto/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestServer, type Person, type Result, type Running } from "./support/sotto.ts";

const annPhone = "+15551230001";
const benPhone = "+15551230002";
const megabyte = 1_000_000;

let server: TestServer;
let ann: Person;
let ben: Person;
beforeAll(async () => {
  server = await TestServer.start(["--max-blob-mib", "320"]);
  ann = await server.registered(annPhone);
  ben = await server.registered(benPhone);
  await ben.ok("send", annPhone, "Send it");
  await ann.ok("send", benPhone, "Here it comes");
}, 120_000);
afterAll(() => server?.stop());

/** A file of so many bytes that no compression makes smaller. */
function fileOf(name: string, bytes: number): string {
  const path = join(server.folder, name);
  const random = new SeededRandom(bytes);
  const file = openSync(path, "w");
  for (let left = bytes; left > 0; left -= megabyte) writeSync(file, random.bytes(Math.min(left, megabyte)));
  closeSync(file);
  return path;
}

async function hash(path: string): Promise<string> {
  const digest = createHash("sha256");
  await pipeline(createReadStream(path), digest);
  return digest.digest("hex");
}

/** Blobs on the server, whole or not, and how many bytes of them lie there. */
function stored(): readonly { readonly name: string; readonly bytes: number }[] {
  const folder = join(server.folder, "data", "blobs");
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.length > 60)
      .map((name) => ({ name: name.replace(".part", ""), bytes: statSync(join(folder, name)).size }));
  } catch {
    return [];
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`did not come about: ${what}`);
}

/** The most memory that a process ever held, in bytes. */
function peakOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, "utf8");
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** How a command ends, and the most memory that it was seen to hold. */
async function watched({ child, ended }: Running): Promise<Result & { readonly peak: number }> {
  let peak = 0;
  const timer = setInterval(() => {
    try {
      peak = Math.max(peak, peakOf(child.pid));
    } catch {
      // Over.
    }
  }, 20);
  const result = await ended;
  clearInterval(timer);
  return { ...result, peak };
}

/** What a command holds that moves no file. */
async function idlePeak(): Promise<number> {
  const { peak } = await watched(ann.start("receive"));
  return peak;
}

describe.skipIf(process.platform !== "linux")("a file of 300 MB", { timeout: 300_000 }, () => {
  const bytes = 300 * megabyte;
  /** What may be held beyond that: collecting garbage is put off for some tens of megabytes, whatever the size of the file. */
  const spare = 150 * megabyte;
  let path: string;
  let usual: number;
  let serverUsual: number;

  test("goes on after whoever sends it was killed", async () => {
    path = fileOf("large", bytes);
    usual = await idlePeak();
    serverUsual = peakOf(server.pid);
    const sending = ann.start("send", benPhone, "--file", path);
    await until("a third is there", () => stored().some((blob) => blob.bytes > bytes / 3));
    sending.child.kill("SIGKILL");
    await sending.ended;
    const [half] = stored();
    expect(half?.bytes).toBeLessThan(bytes);
    const going = await watched(ann.start("receive"));
    expect(going.code).toBe(0);
    expect(stored().map(({ name }) => name)).toEqual([half?.name]);
    expect(stored()[0]?.bytes).toBeGreaterThan(bytes);
    expect(await ann.ok("history", benPhone, "--offline")).toMatch(/✓ sent\]\n {4}\+ large/);
    console.log(`sending: ${going.peak - usual} bytes above ${usual}`);
    expect(going.peak - usual).toBeLessThan(spare);
  });

  test("comes whole, though whoever receives it was killed in the middle", async () => {
    const folder = join(server.folder, "saved");
    mkdirSync(folder);
    const receiving = ben.start("receive", "--save", folder);
    const part = (): string | undefined => readdirSync(folder)[0];
    await until("a third came", () => {
      const name = part();
      return name !== undefined && statSync(join(folder, name)).size > bytes / 3;
    });
    receiving.child.kill("SIGKILL");
    await receiving.ended;
    // What was not checked as a whole has no name of its own.
    expect(part()).toMatch(/^\.sotto-.*\.part$/);
    const again = await watched(ben.start("receive", "--save", folder));
    expect(again.code).toBe(0);
    expect(await hash(join(folder, "large"))).toBe(await hash(path));
    console.log(`receiving: ${again.peak - usual} bytes above ${usual}`);
    expect(again.peak - usual).toBeLessThan(spare);
  });

  test("and the server held little of it", () => {
    const held = peakOf(server.pid) - serverUsual;
    console.log(`the server: ${held} bytes above ${serverUsual}`);
    expect(held).toBeLessThan(spare);
  });
});

test(
  "a server that is killed in the middle of an upload, and of a download, goes on with both",
  { timeout: 180_000 },
  async () => {
    const bytes = 40 * megabyte;
    const path = fileOf("middle", bytes);
    const known = new Set(stored().map(({ name }) => name));
    const fresh = (): ReturnType<typeof stored> => stored().filter(({ name }) => !known.has(name));
    const sending = ann.start("send", benPhone, "--file", path, "--timeout", "60");
    await until("a third is there", () => fresh().some((blob) => blob.bytes > bytes / 3));
    await server.kill();
    const [half] = fresh();
    expect(half?.bytes).toBeLessThan(bytes);
    await server.up();
    expect(await sending.ended).toMatchObject({ code: 0 });
    expect(fresh().map(({ name }) => name)).toEqual([half?.name]);

    const folder = join(server.folder, "saved-again");
    mkdirSync(folder);
    const receiving = ben.start("receive", "--save", folder);
    await until("a third came", () => {
      const [name] = readdirSync(folder);
      return name !== undefined && statSync(join(folder, name)).size > bytes / 3;
    });
    await server.kill();
    await server.up();
    expect(await receiving.ended).toMatchObject({ code: 0 });
    expect(await hash(join(folder, "middle"))).toBe(await hash(path));
  },
);
