/**
 * Frauds about linking, with whole clients. Whoever never saw the code, the server above all, cannot answer a new device. Whoever saw it
 * can: what the device joins then is another account, which it shows, with nothing of the owner's.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkDevice, open } from "@sotto/client/node";
import { keysOfCode, parseCode, sealUnderCode } from "@sotto/client/parts";
import { nodeProvider } from "@sotto/crypto/node";
import { LABELS, formatFingerprint } from "@sotto/protocol";
import { expect, test } from "vitest";
import { Phone, TestServer } from "../src/attack.ts";

const passphrase = "correct horse battery staple";

/** Somebody's new device asks to be linked. `code`: what its screen shows. */
function ask(server: TestServer, home: string) {
  const { promise: code, resolve } = Promise.withResolvers<string>();
  const joining = linkDevice({
    home,
    passphrase,
    server: server.facts.origin,
    serverKey: formatFingerprint(server.facts.fingerprint),
    deviceName: "Ann's tablet",
    platform: "a test",
    onCode: (shown) => resolve(shown.code),
  });
  return { code, joining };
}

test("the server answers a link with an account of its own: the new device takes it for none, and can ask anew", async () => {
  const provider = nodeProvider();
  const server = await TestServer.start(provider);
  const home = join(mkdtempSync(join(tmpdir(), "sotto-linked-")), "home");
  const ann = await Phone.register(server, server.facts.origin, "+15557780001");
  // An accomplice with an account, who is told all that the server knows: the link's id, never the code.
  const accomplice = await server.connect(await server.join());
  const env = { crypto: provider } as Parameters<typeof keysOfCode>[0];
  const keysOf = (code: Uint8Array) => keysOfCode(env, code, server.facts.fingerprint);
  try {
    await ann.online();
    const guessed = (await keysOf(new Uint8Array(randomBytes(10)))).answerKey;
    const forged = [
      new Uint8Array(randomBytes(500)),
      new Uint8Array([1]),
      await sealUnderCode(env, guessed, LABELS.linkAnswer, new Uint8Array(randomBytes(2_000))),
    ];
    for (const answer of forged) {
      const { code, joining } = ask(server, home);
      const outcome = joining.then(
        () => "joined",
        (cause: { code: string }) => cause.code,
      );
      const { linkId } = await keysOf(parseCode(await code, 10));
      const request = accomplice.request();
      accomplice.send({ case: "answerLink", value: { request, linkId, answer } });
      expect(await accomplice.outcome(request)).toBe("done");
      expect(await outcome).toBe("link_refused");
      expect(existsSync(home) ? readdirSync(home) : []).toEqual([]);
    }
    const { code, joining } = ask(server, home);
    await ann.messenger.approveLink(await code);
    expect(await joining).toMatchObject({ identifier: ann.identifier });
  } finally {
    accomplice.close();
    await ann.close();
    await server.close();
    rmSync(home, { recursive: true, force: true });
  }
}, 60_000);

test("another account answers a link, whose code its owner read: the new device shows whose it is, and has nothing of the owner's", async () => {
  const server = await TestServer.start(nodeProvider());
  const home = mkdtempSync(join(tmpdir(), "sotto-linked-"));
  const ann = await Phone.register(server, server.facts.origin, "+15557780001");
  const mallory = await Phone.register(server, server.facts.origin, "+15557780002");
  try {
    await ann.online();
    await mallory.online();
    await ann.messenger.send(mallory.identifier, "hello");
    await mallory.receives("hello");
    const { code, joining } = ask(server, home);
    await mallory.messenger.approveLink(await code);
    expect(await joining).toMatchObject({ identifier: mallory.identifier });
    const tablet = await open({ home, passphrase });
    expect(tablet.self.accountId).toBe(mallory.messenger.self.accountId);
    expect(tablet.self.accountId).not.toBe(ann.messenger.self.accountId);
    await tablet.close();
    // Whoever comes second is told, and puts nothing on the owner's list.
    await expect(ann.messenger.approveLink(await code)).rejects.toMatchObject({ code: /./ });
    expect(await ann.messenger.devices()).toHaveLength(1);
  } finally {
    await ann.close();
    await mallory.close();
    await server.close();
    rmSync(home, { recursive: true, force: true });
  }
}, 60_000);
