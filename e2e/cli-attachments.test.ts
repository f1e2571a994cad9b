/** Files on the command line: real server process, real commands, real folders. One story, in order. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseLines, start, TestServer, type Person } from "./support/sotto.ts";

interface FileRow {
  readonly name: string;
  readonly size: number;
  readonly saved?: string;
  readonly problem?: string;
}

interface Row {
  readonly id: string;
  readonly body: string;
  readonly status?: string;
  readonly attachments?: readonly FileRow[];
}

const annPhone = "+15551230001";
const benPhone = "+15551230002";

let server: TestServer;
let ann: Person;
let ben: Person;
/** Ann's files, and where Ben saves. */
let files: string;
let inbox: string;

beforeAll(async () => {
  server = await TestServer.start();
  ann = await server.registered(annPhone);
  ben = await server.registered(benPhone);
  files = join(server.folder, "files");
  inbox = join(server.folder, "made", "when needed");
  mkdirSync(files);
}, 120_000);
afterAll(() => server?.stop());

function file(name: string, content: Uint8Array | string): string {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
}
const hash = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
const rows = (text: string): readonly Row[] => parseLines(text) as readonly Row[];
const blobsOnDisk = (): string[] =>
  readdirSync(join(server.folder, "data", "blobs"), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.length > 60,
  );

/** A picture of one pixel, with what a camera says of it. */
const secret = "48.2082N 16.3738E";
const exif = Buffer.concat([Buffer.from("Exif\0\0MM\0*\0\0\0\u0008\0\0\0\0\0\0"), Buffer.from(secret)]);
const tellingJpeg = Buffer.concat([
  Buffer.from("ffd8ffe1", "hex"),
  Buffer.from([0, exif.length + 2]),
  exif,
  Buffer.from(
    "ffdb004300ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
      "c0000b080001000101011100ffc40014000100000000000000000000000000000003ffda0008010100003f0037ffd9",
    "hex",
  ),
]);

describe("files", { timeout: 120_000 }, () => {
  let first = "";
  let plan = "";

  test("of people whom one does not know are left where they are", async () => {
    const id = (await ann.ok("send", benPhone, "Hello", "--file", file("hello", "hello"))).trim();
    const { code, stdout, stderr } = await ben.run("receive", "--save", inbox);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("+ hello (") as string });
    expect(stderr).toMatch(/is not known to you[\s\S]*1 attachment was not saved/);
    expect(readdirSync(inbox)).toEqual([]);
    expect(await ben.ok("save", annPhone, id, inbox)).toBe(`${join(inbox, "hello")}\n`);
    await ben.ok("conversations", "accept", annPhone);
  });

  test("go along with a text, and are saved as they were", async () => {
    const path = file("plan.pdf", randomBytes(200_000));
    plan = hash(path);
    const empty = file("empty.txt", "");
    const [sent] = parseLines(
      await ann.ok("send", benPhone, "From today", "--file", path, "--file", empty, "--json"),
    );
    const said = [
      { name: "plan.pdf", type: "application/pdf", size: 200_000 },
      { name: "empty.txt", type: "text/plain", size: 0 },
    ];
    expect(sent).toMatchObject({ type: "sent", status: "sent", attachments: said });
    const received = await ben.ok("receive", "--save", inbox);
    expect(received).toContain(
      "    From today\n    + 1: plan.pdf (application/pdf, 200 kB)\n    + 2: empty.txt (text/plain, 0 B)\n",
    );
    for (const one of [path, empty]) {
      const saved = one.replace(files, inbox);
      expect(received).toContain(`    saved: ${saved}\n`);
      expect(hash(saved)).toBe(hash(one));
      expect(statSync(saved).mode & 0o777).toBe(0o600);
    }
    for (const [person, peer] of [
      [ann, benPhone],
      [ben, annPhone],
    ] as const) {
      expect(await person.json("history", peer)).toMatchObject([
        {},
        { body: "From today", attachments: said },
      ]);
    }
    first = sent?.["id"] as string;
  });

  test("alone, without a text; a text may come on standard input", async () => {
    const alone = file("alone", "alone");
    await ann.ok("send", benPhone, "--file", alone);
    const piped = start(["send", benPhone, "-", "--file", alone], ann.env, { input: "piped\n" });
    expect((await piped.ended).code).toBe(0);
    const shown = await ben.run("receive");
    expect(shown.stdout).toMatch(
      /^.*\n {4}\+ alone \(application\/octet-stream, 5 B\)\n.*\n {4}piped\n {4}\+ alone/,
    );
    expect(shown.stderr).toMatch(/2 attachments were not saved: 'sotto save/);
    await ben.ok(
      "send",
      annPhone,
      "Which one?",
      "--reply-to",
      rows(await ben.ok("history", annPhone, "--json"))[2]?.id ?? "",
    );
    expect(await ann.ok("receive")).toContain(`    > ${annPhone}: alone\n    Which one?`);
  });

  test("names do no harm, and nothing is overwritten", async () => {
    writeFileSync(join(inbox, "photognp.exe"), "mine");
    const names = ["photo\u202egnp.exe", ".bashrc", "\u001b[2Jx", "plan.pdf"];
    for (const name of names) await ann.ok("send", benPhone, "--file", file(name, name));
    const lines = rows(await ben.ok("receive", "--save", inbox, "--json"));
    const saved = ["photognp (2).exe", "bashrc", "[2Jx", "plan (2).pdf"].map((name) => join(inbox, name));
    expect(lines.map(({ attachments }) => attachments?.[0]?.saved)).toEqual(saved);
    expect(saved.map((path) => readFileSync(path, "utf8"))).toEqual(names);
    expect(readFileSync(join(inbox, "photognp.exe"), "utf8")).toBe("mine");
    // Nothing but what was said lies there, whole or in part.
    expect(readdirSync(inbox).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("pictures do not tell where they were taken, unless they are to", async () => {
    const photo = file("photo.jpg", tellingJpeg);
    await ann.ok("send", benPhone, "--file", photo);
    await ann.ok("send", benPhone, "--file", photo, "--keep-metadata");
    const [without, as] = rows(await ben.ok("receive", "--save", inbox, "--json"));
    expect(without?.attachments).toMatchObject([{ type: "image/jpeg", width: 1, height: 1 }]);
    const [stripped, kept] = [without, as].map((row) => readFileSync(row?.attachments?.[0]?.saved ?? ""));
    expect(stripped?.includes(secret)).toBe(false);
    expect(stripped?.subarray(0, 4).toString("hex")).toBe("ffd8ffdb");
    expect(kept?.equals(tellingJpeg)).toBe(true);
    const film = await ann.run("send", benPhone, "--file", file("a.mp4", "film"));
    expect(film.stderr).toContain("a.mp4 is sent as it is");
    const broken = await ann.run("send", benPhone, "--file", file("b.jpg", tellingJpeg.subarray(0, 40)));
    expect(broken).toMatchObject({ code: 1 });
    expect(broken.stderr).toMatch(/b\.jpg: .*picture_unreadable[\s\S]*--keep-metadata/);
    await ben.ok("receive");
  });

  test("save: later, all or one", async () => {
    const later = join(server.folder, "later");
    const short = first.slice(0, 8);
    expect(await ben.ok("save", annPhone, short, later, "--only", "2")).toBe(`${join(later, "empty.txt")}\n`);
    expect(readdirSync(later)).toEqual(["empty.txt"]);
    const saved = await ben.json("save", annPhone, short, later);
    expect(saved).toEqual([
      {
        type: "saved",
        id: first,
        attachment: { name: "plan.pdf", type: "application/pdf", size: 200_000 },
        path: join(later, "plan.pdf"),
      },
      expect.objectContaining({ path: join(later, "empty (2).txt") }),
    ]);
    expect(hash(join(later, "plan.pdf"))).toBe(plan);
    // Whoever sent it can fetch it, too.
    await ann.ok("save", benPhone, short, join(server.folder, "own"));
    expect((await ben.run("save", annPhone, short, later, "--only", "3")).code).toBe(2);
    const text = (await ann.ok("send", benPhone, "no file")).trim();
    expect((await ann.run("save", benPhone, text)).stderr).toContain("no attachments");
    const inTheWay = await ben.run("save", annPhone, short, join(later, "plan.pdf", "deeper"));
    expect(inTheWay.stderr).toMatch(/storage_failed/);
    await ben.ok("receive");
  });

  test("what cannot be read is said before anything is sent", async () => {
    for (const path of [join(files, "nowhere"), files]) {
      const { code, stderr } = await ann.run("send", benPhone, "x", "--file", path);
      expect(code).toBe(2);
      expect(stderr).toContain(path);
    }
    const many = Array.from({ length: 11 }).flatMap(() => ["--file", join(files, "alone")]);
    expect((await ann.run("send", benPhone, ...many)).stderr).toContain("10 attachments at most");
    const classic = await ann.run("send", benPhone, "--suite", "classic", "--file", join(files, "alone"));
    expect(classic.stderr).toContain("suite_unavailable");
    expect(rows(await ann.ok("history", benPhone, "--json")).at(-1)?.body).toBe("no file");
  });

  test("queued ones go out with the next command that connects", async () => {
    await ann.ok("send", benPhone, "queued", "--file", file("queued", "q"), "--no-wait");
    rmSync(join(files, "queued"));
    expect(rows(await ann.ok("history", benPhone, "--json", "--offline")).at(-1)).toMatchObject({
      status: "queued",
      attachments: [{ name: "queued" }],
    });
    await ann.ok("receive");
    expect(await ben.ok("receive", "--save", inbox)).toContain("queued");
    expect(readFileSync(join(inbox, "queued"), "utf8")).toBe("q");
  });

  test("what the server lost holds up nothing, and is said at the end", async () => {
    const before = new Set(blobsOnDisk());
    const id = (await ann.ok("send", benPhone, "lost", "--file", file("lost", "l"))).trim();
    const blobs = blobsOnDisk().filter((name) => !before.has(name));
    expect(blobs).toHaveLength(1);
    for (const name of blobs) rmSync(join(server.folder, "data", "blobs", name));
    await ann.ok("send", benPhone, "after it", "--file", file("found", "f"));
    const { code, stdout, stderr } = await ben.run("receive", "--save", inbox, "--json");
    expect(code).toBe(1);
    expect(rows(stdout)).toMatchObject([
      { body: "lost", attachments: [{ name: "lost", problem: "blob_unknown" }] },
      { body: "after it", attachments: [{ saved: join(inbox, "found") }] },
    ]);
    expect(parseLines(stderr)).toMatchObject([{ type: "error", code: "blob_unknown", not_saved: 1 }]);
    expect(readdirSync(inbox).some((name) => name.includes("lost") || name.startsWith("."))).toBe(false);
    expect((await ben.run("save", annPhone, id, inbox)).stderr).toContain("blob_unknown");
  });

  test("export shows them; taking the message back deletes them from the server", async () => {
    for (const format of ["txt", "html"]) {
      expect(await ben.ok("export", annPhone, "--format", format)).toContain(
        "+ 1: plan.pdf (application/pdf, 200 kB)",
      );
    }
    const count = blobsOnDisk().length;
    await ann.ok("delete", benPhone, first);
    await expect.poll(() => blobsOnDisk().length, { timeout: 10_000 }).toBe(count - 2);
    await ben.ok("receive");
    expect(await ben.ok("history", annPhone)).not.toContain("+ 1: plan.pdf");
    expect((await ben.run("save", annPhone, first, inbox)).stderr).toContain("no attachments");
  });
});
