/**
 * Frauds about linking, with whole clients: somebody else answers the new device first. What it joins then is another account, which it
 * shows, with nothing of the owner's; and the owner's account has no new device.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkDevice, open } from "@sotto/client/node";
import { nodeProvider } from "@sotto/crypto/node";
import { formatFingerprint } from "@sotto/protocol";
import { expect, test } from "vitest";
import { Phone, TestServer } from "../src/attack.ts";

test("another account answers a link: the new device shows whose it is, and has nothing of the owner's", async () => {
  const server = await TestServer.start(nodeProvider());
  const home = mkdtempSync(join(tmpdir(), "sotto-linked-"));
  const ann = await Phone.register(server, server.facts.origin, "+15557780001");
  const mallory = await Phone.register(server, server.facts.origin, "+15557780002");
  try {
    await ann.online();
    await mallory.online();
    await ann.messenger.send(mallory.identifier, "hello");
    await mallory.receives("hello");
    const { promise: code, resolve } = Promise.withResolvers<string>();
    const passphrase = "correct horse battery staple";
    const joining = linkDevice({
      home,
      passphrase,
      server: server.facts.origin,
      serverKey: formatFingerprint(server.facts.fingerprint),
      deviceName: "Ann's tablet",
      platform: "a test",
      onCode: (shown) => resolve(shown.code),
    });
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
