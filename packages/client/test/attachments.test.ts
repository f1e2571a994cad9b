/** Attachments between real clients over a real server: every kind, both ways, and what is left of them when a message goes. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { equalBytes, toHex, utf8 } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  bytesSource,
  fileSource,
  folderSink,
  open,
  type AttachmentInput,
  type ClientEvent,
  type FileSink,
  type FileSource,
  type Message,
  type Messenger,
} from "../src/node.ts";
import { CANARY, JPEG, WEBP, tellingJpeg } from "./support/pictures.ts";
import { PASSPHRASE, testServer, type TestServer } from "./support/server.ts";

vi.setConfig({ testTimeout: 120_000 });

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await testServer({ maxBlobMib: 40 });
  folder = mkdtempSync(join(tmpdir(), "sotto-files-"));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const random = new SeededRandom(5);
const blobFolder = (): string => join(server.folder, "data", "blobs");

/** Blobs on the server's disk, whole or not. */
function stored(): string[] {
  try {
    return readdirSync(blobFolder(), { recursive: true, encoding: "utf8" }).filter(
      (name) => name.length > 60,
    );
  } catch {
    return [];
  }
}

interface Gathered extends FileSink {
  readonly parts: Uint8Array[];
  outcome: "open" | "closed" | "aborted";
}

function gather(): Gathered {
  const sink: Gathered = {
    parts: [],
    outcome: "open",
    write: async (bytes) => void sink.parts.push(bytes),
    close: async () => void (sink.outcome = "closed"),
    abort: async () => void (sink.outcome = "aborted"),
  };
  return sink;
}

async function fetched(messenger: Messenger, { conversation, id }: Message, index = 0): Promise<Uint8Array> {
  const sink = gather();
  await messenger.downloadAttachment(conversation, id, index, sink);
  expect(sink.outcome).toBe("closed");
  return new Uint8Array(Buffer.concat(sink.parts));
}

async function next(messenger: Messenger): Promise<Message> {
  for await (const message of messenger.messages({ signal: AbortSignal.timeout(60_000) })) {
    await messenger.markRead(message.conversation);
    return message;
  }
  throw new Error("no message came");
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => void setTimeout(resolve, 25));
  }
  throw new Error(`${what}: did not come to be`);
}

const quick = { signal: AbortSignal.timeout(110_000) };

describe("two people", () => {
  let ann: Messenger;
  let ben: Messenger;
  beforeAll(async () => {
    ann = await server.join("+15551230001");
    ben = await server.join("+15551230002");
    await ann.send("+15551230002", "hello");
    await next(ben);
  });

  test("a file arrives as it was, with what its sender said of it", async () => {
    const bytes = random.bytes(300_000);
    const events: ClientEvent[] = [];
    const stop = ann.subscribe((event) => events.push(event));
    const sent = await ann.send("+15551230002", "The plans", {
      attachments: [{ source: bytesSource(bytes), name: "plans.pdf" }],
    });
    const told = { name: "plans.pdf", type: "application/pdf", size: 300_000, thumbnail: false };
    expect(sent).toMatchObject({ status: "queued", body: "The plans", attachments: [told] });
    await ann.whenSent(sent.id, quick);
    stop();
    const received = await next(ben);
    expect(received).toMatchObject({ id: sent.id, body: "The plans", attachments: [told] });
    expect(equalBytes(await fetched(ben, received), bytes)).toBe(true);
    // The sender can fetch it too.
    expect(equalBytes(await fetched(ann, sent), bytes)).toBe(true);
    const uploads = events.filter((event) => event.type === "upload");
    expect(uploads.at(-1)).toEqual({ type: "upload", id: sent.id, index: 0, done: 300_000, total: 300_000 });
    // Nothing of what opens it is given out.
    expect(JSON.stringify(received)).not.toMatch(/key|token|digest/i);
  });

  test("several at once, one of them empty, without a text", async () => {
    const files = [new Uint8Array(), random.bytes(1), random.bytes(65_536), random.bytes(2_500_000)];
    const sent = await ann.send("+15551230002", "", {
      attachments: files.map((bytes, i) => ({ source: bytesSource(bytes), name: `${i}.bin` })),
    });
    await ann.whenSent(sent.id, quick);
    const received = await next(ben);
    expect(received.attachments?.map(({ name, size, type }) => [name, size, type])).toEqual(
      files.map((bytes, i) => [`${i}.bin`, bytes.length, "application/octet-stream"]),
    );
    for (const [index, bytes] of files.entries()) {
      expect(equalBytes(await fetched(ben, received, index), bytes)).toBe(true);
    }
  });

  test("a picture loses what it tells, and says how large it is; or keeps all of it", async () => {
    const telling = tellingJpeg(6);
    const attachments = [
      { source: bytesSource(telling), name: "IMG_1.JPG" },
      { source: bytesSource(telling), name: "IMG_1.JPG", keepMetadata: true },
    ];
    const sent = await ann.send("+15551230002", "", { attachments });
    await ann.whenSent(sent.id, quick);
    const received = await next(ben);
    expect(received.attachments?.[0]).toMatchObject({ type: "image/jpeg", width: 12, height: 24 });
    const [stripped, kept] = [await fetched(ben, received, 0), await fetched(ben, received, 1)];
    expect(Buffer.from(stripped).includes(CANARY)).toBe(false);
    expect(equalBytes(kept, telling)).toBe(true);
    await expect(
      ann.send("+15551230002", "", {
        attachments: [{ source: bytesSource(JPEG.subarray(0, 60)), name: "x" }],
      }),
    ).rejects.toMatchObject({ code: "picture_unreadable" });
  });

  test("a voice message, a blur and a small picture travel inside the message", async () => {
    const waveform = random.bytes(64);
    const preview = random.bytes(25);
    const sent = await ann.send("+15551230002", "", {
      attachments: [
        { source: bytesSource(random.bytes(9_000)), name: "v.ogg", voice: true, durationMs: 4_200, waveform },
        {
          source: bytesSource(random.bytes(500)),
          name: "p.heic",
          preview,
          thumbnail: WEBP,
          width: 4_000,
          height: 3_000,
        },
      ],
    });
    await ann.whenSent(sent.id, quick);
    const received = await next(ben);
    const [voice, picture] = received.attachments ?? [];
    expect(voice).toMatchObject({ voice: true, durationMs: 4_200, type: "audio/ogg" });
    expect(toHex(voice?.waveform ?? new Uint8Array())).toBe(toHex(waveform));
    expect(picture).toMatchObject({ width: 4_000, height: 3_000, thumbnail: true });
    expect(toHex(picture?.preview ?? new Uint8Array())).toBe(toHex(preview));
    for (const [who, conversation] of [
      [ann, "+15551230002"],
      [ben, "+15551230001"],
    ] as const) {
      const small = await who.attachmentThumbnail(conversation, sent.id, 1);
      expect(toHex(small ?? new Uint8Array())).toBe(toHex(WEBP));
    }
    expect(await ben.attachmentThumbnail(received.conversation, received.id, 0)).toBeUndefined();
  });

  test("an attachment can be an answer, can be answered, reacted to, and its text edited", async () => {
    const first = await ann.send("+15551230002", "Which?");
    await next(ben);
    const sent = await ben.send("+15551230001", "This", {
      replyTo: first.id,
      attachments: [{ source: bytesSource(JPEG), name: "a.jpg" }],
    });
    await ben.whenSent(sent.id, quick);
    const received = await next(ann);
    expect(received).toMatchObject({
      replyTo: { id: first.id, body: "Which?" },
      attachments: [{ name: "a.jpg" }],
    });
    await ann.react("+15551230002", received.id, "👍");
    await ben.edit("+15551230001", sent.id, "That");
    await until(
      "Ann sees the edit",
      async () => (await ann.message("+15551230002", sent.id)).body === "That",
    );
    const after = await ann.message("+15551230002", sent.id);
    expect(after).toMatchObject({ attachments: [{ name: "a.jpg" }], reactions: [{ emoji: "👍" }] });
  });

  test("where there is no text, an answer quotes what the files are called", async () => {
    const before = stored().length;
    const sent = await ann.send("+15551230002", "", {
      attachments: ["a/plan.pdf", "b.txt"].map((name) => ({ source: bytesSource(utf8(name)), name })),
    });
    await ann.whenSent(sent.id, quick);
    const received = await next(ben);
    await ben.send("+15551230001", "Good", { replyTo: received.id });
    expect(await next(ann)).toMatchObject({ replyTo: { body: "plan.pdf, b.txt", found: true } });
    await ann.deleteMessage("+15551230002", sent.id, { forEveryone: true });
    await until("the blobs are gone", () => stored().length === before);
    await until(
      "the quote is empty",
      async () => (await ann.history("+15551230002")).at(-1)?.replyTo?.body === "",
    );
  });

  test("taking a message back deletes its blobs from the server, by any device that is to", async () => {
    const before = stored().length;
    const sent = await ann.send("+15551230002", "", {
      attachments: [1, 2].map((n) => ({ source: bytesSource(random.bytes(100 * n)), name: `${n}` })),
    });
    await ann.whenSent(sent.id, quick);
    const received = await next(ben);
    expect(stored().length).toBe(before + 2);
    await ann.deleteMessage("+15551230002", sent.id, { forEveryone: true });
    await until("the blobs are gone", () => stored().length === before);
    await until("Ben hears", async () => (await ben.message("+15551230001", sent.id)).deleted === true);
    expect((await ben.message("+15551230001", sent.id)).attachments).toBeUndefined();
    await expect(fetched(ben, received)).rejects.toMatchObject({ code: "usage" });
  });

  test("what its sender deleted, or the server, is told as unknown", async () => {
    const sent = await ann.send("+15551230002", "", {
      attachments: [{ source: bytesSource(utf8("x")), name: "x" }],
    });
    await ann.whenSent(sent.id, quick);
    const received = await next(ben);
    rmSync(blobFolder(), { recursive: true });
    const sink = gather();
    await expect(ben.downloadAttachment("+15551230001", received.id, 0, sink)).rejects.toMatchObject({
      code: "blob_unknown",
    });
    expect(sink.outcome).toBe("aborted");
  });

  test("a file is passed on without being uploaded again, and is not deleted with the message that passed it on", async () => {
    const bytes = random.bytes(5_000);
    const sent = await ann.send("+15551230002", "", {
      attachments: [{ source: bytesSource(bytes), name: "f", thumbnail: WEBP }],
    });
    await ann.whenSent(sent.id, quick);
    const received = await next(ben);
    const before = stored().length;
    const passed = await ben.send("+15551230001", "look", {
      forwarded: true,
      attachments: [{ conversation: "+15551230001", id: received.id, index: 0 }],
    });
    await ben.whenSent(passed.id, quick);
    const back = await next(ann);
    expect(back).toMatchObject({ forwarded: true, attachments: [{ name: "f", thumbnail: true }] });
    expect(equalBytes(await fetched(ann, back), bytes)).toBe(true);
    await ben.deleteMessage("+15551230001", passed.id, { forEveryone: true });
    await until("Ann hears", async () => (await ann.message("+15551230002", passed.id)).deleted === true);
    await ben.flushed(quick);
    expect(stored().length).toBe(before);
    expect(equalBytes(await fetched(ann, sent), bytes)).toBe(true);
  });

  test("what cannot be sent is refused before anything is stored", async () => {
    const small = { source: bytesSource(utf8("x")), name: "x" };
    const send = (...attachments: readonly AttachmentInput[]) =>
      ann.send("+15551230002", "", { attachments });
    await expect(send(...Array.from({ length: 11 }, () => small))).rejects.toMatchObject({ code: "usage" });
    await expect(send({ ...small, thumbnail: utf8("no picture") })).rejects.toMatchObject({ code: "usage" });
    await expect(send({ ...small, preview: new Uint8Array(65) })).rejects.toMatchObject({ code: "usage" });
    await expect(send({ ...small, waveform: new Uint8Array(129) })).rejects.toMatchObject({ code: "usage" });
    await expect(
      ann.send("+15551230002", "", { suite: "classic", attachments: [small] }),
    ).rejects.toMatchObject({ code: "suite_unavailable" });
    const large: FileSource = { size: 41 * 1_048_576, read: async (_, length) => new Uint8Array(length) };
    await expect(send({ source: large, name: "x" })).rejects.toMatchObject({ code: "too_large" });
    const gone: FileSource = { size: 10, read: () => Promise.reject(new Error("the disk broke")) };
    await expect(send({ source: gone, name: "x", keepMetadata: true })).rejects.toMatchObject({
      code: "file_changed",
    });
    const largest = ann.largestAttachment() ?? 0;
    expect(largest).toBeGreaterThanOrEqual(39 * 1_048_576);
    expect(largest).toBeLessThan(40 * 1_048_576);
    expect((await ann.doctor()).queued).toBe(0);
  });

  test("a message that is deleted while its file is uploaded never goes out, and leaves nothing", async () => {
    const before = stored().length;
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const slow: FileSource = {
      size: 20_000_000,
      read: async (offset, length) => {
        if (offset > 4_000_000) await go;
        return new Uint8Array(length);
      },
    };
    const sent = await ann.send("+15551230002", "never", {
      attachments: [{ source: slow, name: "slow", keepMetadata: true }],
    });
    const waiting = ann.whenSent(sent.id, quick).catch((error: unknown) => error);
    await until("a part is there", () => stored().length > before);
    await ann.deleteMessage("+15551230002", sent.id, { forEveryone: true });
    resolve();
    expect(await waiting).toMatchObject({ code: "usage" });
    await until("the blob is gone", () => stored().length === before);
    const last = await ann.send("+15551230002", "after");
    expect((await next(ben)).id).toBe(last.id);
  });

  test("texts do not wait for the file of a message before them", async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const slow: FileSource = {
      size: 9_000_000,
      read: async (_, length) => {
        await go;
        return new Uint8Array(length);
      },
    };
    const file = await ann.send("+15551230002", "file", {
      attachments: [{ source: slow, name: "slow", keepMetadata: true }],
    });
    await ann.send("+15551230002", "text");
    expect((await next(ben)).body).toBe("text");
    resolve();
    const received = await next(ben);
    expect(received).toMatchObject({ id: file.id, body: "file" });
    expect((await fetched(ben, received)).length).toBe(9_000_000);
  });
});

test("in a group, and on the sender's other devices and in their history, files are there", async () => {
  const cleo = await server.join("cleo@example.org");
  const dan = await server.join("dan@example.org");
  const eve = await server.join("eve@example.org");
  await cleo.createGroup("Trip", ["dan@example.org", "eve@example.org"]);
  const bytes = random.bytes(70_000);
  const sent = await cleo.send("Trip", "map", {
    attachments: [{ source: bytesSource(bytes), name: "map.png" }],
  });
  await cleo.whenSent(sent.id, quick);
  for (const who of [dan, eve]) expect(equalBytes(await fetched(who, await next(who)), bytes)).toBe(true);
});

test("over its allowance an account waits, and goes on by itself", async () => {
  const strict = await testServer({
    limits: { blobBytesPerAccount: { burst: 400_000, perHour: 3_600 * 200_000 } },
  });
  try {
    const hal = await strict.join("+15551230001");
    const ian = await strict.join("+15551230002");
    await hal.send("+15551230002", "hello");
    await next(ian);
    const sent = await hal.send("+15551230002", "", {
      attachments: [1, 2].map((n) => ({ source: bytesSource(random.bytes(300_000)), name: String(n) })),
    });
    await hal.whenSent(sent.id, quick);
    expect((await fetched(ian, await next(ian), 1)).length).toBe(300_000);
  } finally {
    await strict.stop();
  }
});

describe("files on a disk", () => {
  test("are saved under a harmless name, for their owner only, and overwrite nothing", async () => {
    const place = mkdtempSync(join(folder, "save-"));
    writeFileSync(join(place, "a.txt"), "mine");
    for (const [name, saved] of [
      ["a.txt", "a (2).txt"],
      ["../../etc/a.txt", "a (3).txt"],
      ["C:\\temp\\..\\evil.exe", "evil.exe"],
      [".bashrc", "bashrc"],
      ["photo\u202egnp.exe", "photognp.exe"],
      ["", "file"],
    ] as const) {
      const sink = await folderSink(place, name);
      await sink.write(utf8("one "));
      await sink.write(utf8("two"));
      expect(sink.path).toBeUndefined();
      await sink.close();
      expect(sink.path).toBe(join(place, saved));
      expect(readFileSync(join(place, saved), "utf8")).toBe("one two");
      expect(statSync(join(place, saved)).mode & 0o777).toBe(0o600);
    }
    const given = await folderSink(place, "never.txt");
    await given.write(utf8("half"));
    await given.abort();
    expect(readFileSync(join(place, "a.txt"), "utf8")).toBe("mine");
    expect(readdirSync(place).filter((name) => name.includes("never") || name.startsWith("."))).toEqual([]);
    await expect(folderSink(join(place, "nowhere"), "x")).rejects.toMatchObject({ code: "storage_failed" });
  });

  test("that change while they are sent are refused", async () => {
    const path = join(folder, "changing");
    writeFileSync(path, random.bytes(100));
    const source = await fileSource(path);
    expect((await source.read(10, 20)).length).toBe(20);
    writeFileSync(path, random.bytes(101));
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: "file_changed" });
    await expect(fileSource(join(folder, "nothing"))).rejects.toMatchObject({ code: "file_changed" });
    await expect(fileSource(folder)).rejects.toMatchObject({ code: "file_changed" });
  });
});

test("a message whose process ended is sent by the next one: small files by themselves, large ones from where they are", async () => {
  const fay = await server.join("fay@example.org");
  const home = await server.register("gil@example.org");
  const offline = await open({ home, passphrase: PASSPHRASE, connect: false });
  const small = random.bytes(50_000);
  const large = random.bytes(9_000_000);
  const path = join(folder, "large.bin");
  writeFileSync(path, large);
  const sent = await offline.send("fay@example.org", "both", {
    attachments: [
      { source: bytesSource(small), name: "small.bin" },
      { source: await fileSource(path), name: "large.bin", reference: path },
    ],
  });
  await offline.close();
  const online = await open({ home, passphrase: PASSPHRASE });
  await online.whenSent(sent.id, quick);
  const received = await next(fay);
  expect(equalBytes(await fetched(fay, received, 0), small)).toBe(true);
  expect(equalBytes(await fetched(fay, received, 1), large)).toBe(true);
  await online.close();

  // Without a reference, or where it leads nowhere, the message waits until somebody gives the file again.
  const again = await open({ home, passphrase: PASSPHRASE, connect: false });
  const lost = await again.send("fay@example.org", "lost", {
    attachments: [{ source: bytesSource(large), name: "l" }],
  });
  await again.close();
  const last = await open({ home, passphrase: PASSPHRASE });
  const needed = new Promise((resolve) =>
    last.subscribe((event) => event.type === "file_needed" && resolve(event)),
  );
  expect(await needed).toEqual({ type: "file_needed", id: lost.id, index: 0 });
  await last.flushed(quick);
  await last.supplyFile("fay@example.org", lost.id, 0, bytesSource(large));
  await last.whenSent(lost.id, quick);
  expect(equalBytes(await fetched(fay, await next(fay)), large)).toBe(true);
  await last.close();
});
