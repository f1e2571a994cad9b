/**
 * A server that lies about messages, against a whole client: it replays, reorders, drops, alters, re-addresses,
 * re-attributes, backdates, forges receipts. Bob is told what was wrong, nothing is shown that was not written to him by
 * whom it says, and the honest messages afterwards come through.
 */
import {
  classicSignedBytes,
  encodeClassicPlaintext,
  formatClassicMessage,
  parseClassicMessage,
  protectClassic,
} from "@sotto/crypto";
import {
  EntryKind,
  InboxItemSchema,
  LIMITS,
  decode,
  fromUtf8,
  parseBase64,
  toHex,
  utf8,
} from "@sotto/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { inboxItem } from "../src/attack.ts";
import { SeededRandom, serverFrame } from "../src/index.ts";
import { type Scene, type Sender, aboutEntries, nowSec, provider, setScene } from "./support/lied-to.ts";

let scene: Scene;

beforeAll(async () => {
  scene = await setScene();
  scene.bob.forget();
});

afterEach(() => scene.recover());

afterAll(() => scene.close());

/** The JSON in an entry's body. */
function jsonOf(body: Uint8Array): string {
  const { item } = decode(InboxItemSchema, body);
  return item.case === "classic" ? fromUtf8(item.value) : "";
}

describe("messages that the server", () => {
  test("replays: is shown once, and told as replayed", async () => {
    const { ann, bob, liar } = scene;
    liar.lie({
      down: aboutEntries((entry) => [
        entry,
        { ...entry, seq: entry.seq + 1n },
        { ...entry, seq: entry.seq + 2n },
      ]),
    });
    expect(await ann.sends(bob.identifier, "only once")).toBe("sent");
    await bob.until("two replays are told", () => bob.refusals.length === 2);
    expect(bob.refusals).toEqual(["message_replayed", "message_replayed"]);
    expect(bob.inbox).toEqual(["only once"]);
    expect(
      (await bob.messenger.history(ann.identifier)).filter(({ body }) => body === "only once").length,
    ).toBe(1);
    liar.cutAll();
  });

  test("replays after a restart of the connection, days later: is refused all the same", async () => {
    const { ann, bob, liar } = scene;
    const kept: Uint8Array[] = [];
    liar.lie({
      down: aboutEntries((entry) => {
        kept.push(entry.body);
        return [entry];
      }),
    });
    await ann.sends(bob.identifier, "kept by the server");
    await bob.receives("kept by the server");
    await scene.recover();
    const { deliver } = await scene.person();
    for (const body of kept) await deliver(jsonOf(body));
    await bob.until("the replay is told", () => bob.refusals.includes("message_replayed"));
    expect(bob.inbox).toEqual([]);
  });

  test("reorders: all are shown, none twice, and what had seemed missing is not any more", async () => {
    const { ann, bob, liar } = scene;
    let held: Uint8Array | undefined;
    liar.lie({
      down: aboutEntries((entry) => {
        if (entry.kind !== EntryKind.MESSAGE) return [entry];
        if (held === undefined) {
          held = entry.body;
          return [];
        }
        const first = { ...entry, seq: entry.seq - 1n, body: entry.body };
        return [first, { ...entry, body: held }];
      }),
    });
    await ann.sends(bob.identifier, "written first");
    await ann.sends(bob.identifier, "written second");
    await bob.receives("written first");
    expect(bob.inbox).toEqual(["written second", "written first"]);
    await bob.until("the gap is told", () => bob.notices.length > 0);
    expect(bob.notices).toEqual([{ type: "gap", from: ann.identifier, count: 1 }]);
    // The gap is closed: the next message finds nothing missing.
    bob.forget();
    liar.behave();
    await ann.sends(bob.identifier, "written third");
    await bob.receives("written third");
    expect(bob.notices).toEqual([]);
  });

  test("drops: the gap is seen with the next one that it lets through", async () => {
    const { ann, bob, liar } = scene;
    // The client asks again for entries that are missing, so the liar has to swallow them every time.
    const swallowed = new Set<bigint>();
    liar.lie({
      down: aboutEntries((entry) => {
        if (swallowed.size >= 2 && !swallowed.has(entry.seq)) return [entry];
        swallowed.add(entry.seq);
        return [];
      }),
    });
    await ann.sends(bob.identifier, "swallowed one");
    await ann.sends(bob.identifier, "swallowed two");
    await expect.poll(() => swallowed.size).toBe(2);
    await ann.sends(bob.identifier, "let through");
    await bob.receives("let through");
    await bob.until("the gap is told", () => bob.notices.length > 0);
    expect(bob.notices).toEqual([{ type: "gap", from: ann.identifier, count: 2 }]);
    expect(bob.inbox).toEqual(["let through"]);
  });

  test("drops once: the hole in the numbers is seen, and filled by asking again", async () => {
    const { ann, bob, liar } = scene;
    let swallowed = 0;
    liar.lie({ down: aboutEntries((entry) => (swallowed++ === 0 ? [] : [entry])) });
    await ann.sends(bob.identifier, "swallowed once");
    await expect.poll(() => swallowed).toBe(1);
    await ann.sends(bob.identifier, "after it");
    await bob.receives("after it");
    expect(bob.inbox).toEqual(["swallowed once", "after it"]);
    expect(bob.notices).toEqual([]);
  });

  test("says to have stored, and did not: stays undelivered, and the next one shows the gap", async () => {
    const { ann, bob, liar } = scene;
    liar.lie({
      up: (told, link) => {
        if (told.frame.case !== "append") return [told];
        const { request } = told.frame.value;
        link.toClient(serverFrame({ case: "appended", value: { request, seq: 999n } }));
        return [];
      },
    });
    const lost = await bob.messenger.send(ann.identifier, "never arrives", { suite: "classic" });
    await bob.messenger.whenSent(lost.id);
    liar.behave();
    await bob.sends(ann.identifier, "arrives");
    await ann.receives("arrives");
    await ann.until("the gap is told", () => ann.notices.length > 0);
    expect(ann.notices).toEqual([{ type: "gap", from: bob.identifier, count: 1 }]);
    const history = await bob.messenger.history(ann.identifier);
    expect(history.find(({ id }) => id === lost.id)?.status).toBe("sent");
  });

  test("alters in any byte: every altered copy is refused and told, none is shown", async () => {
    const { bob } = scene;
    const { person, deliver } = await scene.person();
    const { json } = await person.write(scene.bobsDevice, "the truth", { nowSec: nowSec(), n: 1 });
    const random = new SeededRandom(0xa17e4);
    const positions = random.shuffle(Array.from(json, (_, at) => at)).slice(0, 60);
    for (const at of positions) {
      const bytes = utf8(json);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await deliver(fromUtf8(bytes));
    }
    await bob.until("all are refused", () => bob.refusals.length >= positions.length);
    const codes = new Set(bob.refusals);
    expect(["device_unknown", "message_not_for_us", "message_refused", "signature_invalid"]).toEqual(
      expect.arrayContaining([...codes]),
    );
    expect(codes.has("signature_invalid")).toBe(true);
    expect(bob.inbox).toEqual([]);
    await deliver(json);
    await bob.receives("the truth");
  });

  test("wraps into something else than an item, or random bytes: told, not shown", async () => {
    const { bob } = scene;
    const { client } = await scene.person();
    const random = new SeededRandom(3);
    const bodies = [
      new Uint8Array(),
      random.bytes(100),
      inboxItem(""),
      inboxItem("{}"),
      inboxItem("[".repeat(10_000)),
    ];
    for (const body of bodies) expect(await client.append(scene.bobsDevice.inbox, body)).toBe("appended");
    await bob.until("all are refused", () => bob.refusals.length === bodies.length);
    expect(new Set(bob.refusals)).toEqual(new Set(["message_refused"]));
  });

  test("re-addresses to another recipient: is not for them", async () => {
    const { bob } = scene;
    const [sender, other] = [await scene.person(), await scene.person()];
    const { json } = await sender.person.write(other.person, "for somebody else", { nowSec: nowSec() });
    await sender.deliver(json);
    await bob.until("it is refused", () => bob.refusals.length === 1);
    expect(bob.refusals).toEqual(["message_not_for_us"]);
    const address = `${toHex(scene.bobsDevice.address.account)}.${toHex(scene.bobsDevice.address.device)}`;
    await sender.deliver(JSON.stringify({ ...(JSON.parse(json) as object), recipient_id: address }));
    await bob.until("it is refused", () => bob.refusals.length === 2);
    expect(bob.refusals[1]).toBe("signature_invalid");
    expect(bob.inbox).toEqual([]);
  });

  test("re-attributes to another sender: is not signed by them", async () => {
    const { bob } = scene;
    const [sender, other] = [await scene.person(), await scene.person()];
    const { json } = await sender.person.write(scene.bobsDevice, "mine", { nowSec: nowSec() });
    const address = `${toHex(other.person.account)}.${toHex(other.person.device)}`;
    await sender.deliver(JSON.stringify({ ...(JSON.parse(json) as object), sender_id: address }));
    await bob.until("it is refused", () => bob.refusals.length === 1);
    expect(bob.refusals).toEqual(["signature_invalid"]);
  });

  test("comes from a device that its account does not list: is refused, and said so", async () => {
    const { bob, ann } = scene;
    const { person, deliver } = await scene.person();
    const { json } = await person.write(scene.bobsDevice, "from nowhere", { nowSec: nowSec() });
    const contact = await bob.messenger.contact(ann.identifier);
    const address = `${contact.accountId}.${toHex(person.device)}`;
    await deliver(JSON.stringify({ ...(JSON.parse(json) as object), sender_id: address }));
    await bob.until("both notices came", () => bob.notices.length === 2);
    expect(bob.notices).toEqual([
      { type: "refused", from: ann.identifier, code: "device_unknown" },
      { type: "device_unlisted", identifier: ann.identifier },
    ]);
  });

  test("kept until it was stale: is refused", async () => {
    const { bob } = scene;
    const { person, deliver } = await scene.person();
    const then = nowSec() - LIMITS.maxMessageAgeSec - 60;
    await deliver((await person.write(scene.bobsDevice, "from another age", { nowSec: then })).json);
    await bob.until("it is refused", () => bob.refusals.length === 1);
    expect(bob.refusals).toEqual(["message_stale"]);
  });

  test("is dated in the future: is refused, or not shown before its time", async () => {
    const { bob } = scene;
    const { person, deliver } = await scene.person();
    const tomorrow = nowSec() + 86_400;
    await deliver((await person.write(scene.bobsDevice, "from tomorrow", { nowSec: tomorrow })).json);
    const later = nowSec() + LIMITS.maxCertificateLifetimeSec + LIMITS.maxClockSkewSec + 60;
    await deliver((await person.write(scene.bobsDevice, "from next month", { nowSec: later })).json);
    await bob.until("it is refused", () => bob.refusals.length === 1);
    expect(bob.inbox).toEqual([]);
    expect(bob.refusals).toEqual(["message_from_future"]);
  });

  test("claims to be from somebody's identifier: the claim is not believed", async () => {
    const { ann, bob } = scene;
    const { person, deliver } = await scene.person();
    const plaintext = encodeClassicPlaintext({ type: "text", body: "It is Ann.", from: ann.identifier });
    await deliver((await person.protect(scene.bobsDevice, plaintext, nowSec())).json);
    await bob.until("it is dealt with", () => bob.inbox.length + bob.refusals.length > 0);
    const conversations = await bob.messenger.conversations();
    const withAnn = conversations.find(({ peer }) => peer === ann.identifier);
    expect(withAnn?.last?.body).not.toBe("It is Ann.");
    for (const event of bob.events) {
      expect(
        event.type === "message" &&
          event.message.body === "It is Ann." &&
          event.message.from === ann.identifier,
      ).toBe(false);
    }
  });
});

/** The same ciphertext and wrapped key, as if the accomplice had written it. `change` alters the ciphertext. */
async function stolen(json: string, by: Sender, change = 0): Promise<string> {
  const message = parseClassicMessage(utf8(json));
  const ciphertext = message.ciphertext.map((byte, at) =>
    at === message.ciphertext.length - 1 ? byte ^ change : byte,
  );
  const content = {
    sender: by.person.address,
    recipient: message.recipient,
    iv: message.iv,
    ciphertext,
    encryptedKey: message.encryptedKey,
    timestampSec: nowSec(),
  };
  const signature = await provider.rsaPssSign(by.person.rsa.privateKey, classicSignedBytes(content));
  return formatClassicMessage(content, signature);
}

describe("somebody else's ciphertext, signed anew by an accomplice of the server", () => {
  test("is not shown as the accomplice's, and draws no receipt that would tell what it decrypts to", async () => {
    const { ann, bob, liar } = scene;
    const accomplice = await scene.person();
    await accomplice.client.attach(accomplice.person.inbox);
    const kept: string[] = [];
    liar.lie({
      down: aboutEntries((entry) => {
        if (entry.kind === EntryKind.MESSAGE) kept.push(jsonOf(entry.body));
        return [entry];
      }),
    });
    await ann.sends(bob.identifier, "a secret of Ann's");
    await bob.receives("a secret of Ann's");
    bob.forget();
    for (const change of [0, 1, 2]) await accomplice.deliver(await stolen(kept[0] ?? "", accomplice, change));
    await bob.until("all three are refused", () => bob.refusals.length === 3);
    expect(bob.inbox).toEqual([]);
    await bob.messenger.flushed();
    expect(accomplice.client.received.filter(({ frame }) => frame.case === "entries")).toEqual([]);
  });

  test("even when the honest message was held back: at most one guess, and it is not shown as the accomplice's", async () => {
    const { ann, bob, liar } = scene;
    const accomplice = await scene.person();
    await accomplice.client.attach(accomplice.person.inbox);
    const kept: string[] = [];
    liar.lie({
      down: aboutEntries((entry) => {
        const json = jsonOf(entry.body);
        if (!json.includes(toHex(accomplice.person.account))) {
          kept.push(json);
          return [];
        }
        return [entry];
      }),
    });
    await ann.sends(bob.identifier, "another secret");
    await expect.poll(() => kept.length).toBe(1);
    for (const change of [0, 0, 1]) await accomplice.deliver(await stolen(kept[0] ?? "", accomplice, change));
    await bob.until("all three are refused", () => bob.refusals.length === 3);
    expect(bob.inbox).toEqual([]);
    await bob.messenger.flushed();
    expect(accomplice.client.received.filter(({ frame }) => frame.case === "entries")).toEqual([]);
  });
});

/** A receipt for one of Bob's messages, by somebody. */
async function receipt(by: Sender, envelope: string): Promise<string> {
  const { signature } = JSON.parse(envelope) as { signature: string };
  const of = [await provider.sha256(parseBase64(signature) ?? new Uint8Array())];
  const plaintext = encodeClassicPlaintext({ type: "receipt", status: "read", of });
  return (await by.person.protect(scene.bobsDevice, plaintext, nowSec())).json;
}

/** Bob writes to Ann, who does not get it for now; the message and its envelope. */
async function unanswered(): Promise<{ id: string; envelope: string }> {
  const { ann, bob, liar } = scene;
  liar.lie({
    up: (told, link) => {
      if (told.frame.case !== "append") return [told];
      link.toClient(
        serverFrame({ case: "appended", value: { request: told.frame.value.request, seq: 998n } }),
      );
      return [];
    },
  });
  const { id } = await bob.messenger.send(ann.identifier, "did she get it?", { suite: "classic" });
  await bob.messenger.whenSent(id);
  const message = (await bob.messenger.history(ann.identifier)).find((one) => one.id === id);
  return { id, envelope: message?.envelopes?.[0] ?? "" };
}

const statusOf = async (id: string) =>
  (await scene.bob.messenger.history(scene.ann.identifier)).find((one) => one.id === id)?.status;

describe("receipts that are forged", () => {
  test("by somebody whom the message was not for: refused, and the message stays unread", async () => {
    const { bob } = scene;
    const { id, envelope } = await unanswered();
    const mallory = await scene.person();
    await mallory.deliver(await receipt(mallory, envelope));
    await bob.until("it is refused", () => bob.refusals.length === 1);
    expect(bob.refusals).toEqual(["message_refused"]);
    expect(await statusOf(id)).toBe("sent");
  });

  test("in the recipient's name, signed by another key: refused, and the message stays unread", async () => {
    const { ann, bob } = scene;
    const { id, envelope } = await unanswered();
    const mallory = await scene.person();
    const { accountId } = await bob.messenger.contact(ann.identifier);
    const [recipient] = [(JSON.parse(envelope) as { recipient_id: string }).recipient_id];
    expect(recipient.startsWith(accountId)).toBe(true);
    const forged = JSON.parse(await receipt(mallory, envelope)) as Record<string, unknown>;
    await mallory.deliver(JSON.stringify({ ...forged, sender_id: recipient }));
    await bob.until("it is refused", () => bob.refusals.length === 1);
    expect(bob.refusals).toEqual(["signature_invalid"]);
    expect(await statusOf(id)).toBe("sent");
  });

  test("for messages that were never sent: refused", async () => {
    const { bob } = scene;
    const mallory = await scene.person();
    const plaintext = encodeClassicPlaintext({
      type: "receipt",
      status: "delivered",
      of: [new Uint8Array(32)],
    });
    await mallory.deliver((await mallory.person.protect(scene.bobsDevice, plaintext, nowSec())).json);
    await bob.until("it is refused", () => bob.refusals.length === 1);
    expect(bob.refusals).toEqual(["message_refused"]);
  });

  test("swallowed by the server: the message stays sent, and comes through as delivered once they are let through", async () => {
    const { ann, bob, liar } = scene;
    liar.lie({ down: aboutEntries((entry) => (entry.kind === EntryKind.MESSAGE ? [] : [entry])) });
    const { id } = await bob.messenger.send(ann.identifier, "receipt swallowed", { suite: "classic" });
    await ann.receives("receipt swallowed");
    await ann.messenger.flushed();
    expect(await statusOf(id)).toBe("sent");
    liar.behave();
    liar.cutAll();
    await bob.reaches(id, "delivered");
  });
});

describe("typing that is forged", () => {
  test("signed by somebody else, replayed or stored: nobody is shown as typing", async () => {
    const { ann, bob } = scene;
    const mallory = await scene.person();
    const plaintext = encodeClassicPlaintext({ type: "typing", from: ann.identifier });
    const { json } = await protectClassic(provider, {
      sender: mallory.person.address,
      recipient: scene.bobsDevice.address,
      recipientKey: scene.bobsDevice.rsaPublicKey,
      senderPrivateKey: mallory.person.rsa.privateKey,
      timestampSec: nowSec(),
      plaintext,
    });
    const { accountId } = await bob.messenger.contact(ann.identifier);
    const asAnn = JSON.stringify({
      ...(JSON.parse(json) as object),
      sender_id: `${accountId}.${toHex(mallory.person.device)}`,
    });
    const request = mallory.client.request();
    const value = { request, logId: scene.bobsDevice.inbox, kind: EntryKind.EPHEMERAL };
    mallory.client.send({ case: "append", value: { ...value, body: inboxItem(asAnn) } });
    expect(await mallory.client.outcome(request)).toBe("appended");
    await mallory.deliver(json);
    await scene.recover();
    expect(bob.events.filter((event) => event.type === "typing" && event.from === ann.identifier)).toEqual(
      [],
    );
  });
});
