/** Deleting an account through sessions in memory: who may, what they are told, and what everybody else hears. */
import { randomBytes, sign } from "node:crypto";
import { accountId, deletionTranscript } from "@sotto/protocol";
import { settle } from "@sotto/testkit";
import { describe, expect, test } from "vitest";
import { nextList, type TestAccount } from "../../support/account.ts";
import { TestNode, attachInbox, hello, message, type TestConnection, type TestPerson } from "./node.ts";

interface Nonces {
  readonly clientNonce: Uint8Array;
  readonly serverNonce: Uint8Array;
}

/** A connection that is signed in, with the nonces that it signed. */
async function online(person: TestPerson): Promise<{ connection: TestConnection; nonces: Nonces }> {
  const connection = person.node.connect();
  const clientNonce = new Uint8Array(randomBytes(32));
  connection.send(hello(clientNonce));
  const { serverNonce } = connection.all("challenge")[0]!;
  connection.send(person.signIn(clientNonce, serverNonce));
  await settle();
  return { connection, nonces: { clientNonce, serverNonce } };
}

const signatureOf = (
  person: TestPerson,
  { clientNonce, serverNonce }: Nonces,
  key: TestAccount["identity"] = person.account.identity,
  account = person.account.list.accountId,
): Uint8Array =>
  new Uint8Array(
    sign(
      null,
      deletionTranscript(clientNonce, serverNonce, person.node.fingerprint, accountId(account)),
      key.privateKey,
    ),
  );

const deleteAccount = (signature: Uint8Array, request = 1) =>
  ({ case: "deleteAccount", value: { request, signature } }) as const;

describe("deleting an account", () => {
  test("is answered with Done, then Goodbye; the next sign-in is told who signed it", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const { connection, nonces } = await online(ann);
    const signature = signatureOf(ann, nonces);
    connection.send(deleteAccount(signature));
    await settle();
    expect(connection.outcome(1)).toBe("ok");
    expect(connection.goodbye()).toBe("account_deleted");
    expect(connection.ended).toBe("deleted");
    const cases = connection.received().map(({ frame }) => frame.case);
    expect(cases.indexOf("done")).toBeLessThan(cases.indexOf("goodbye"));

    const { connection: later } = await online(ann);
    expect(later.all("signedIn")).toEqual([]);
    expect(later.all("goodbye")[0]).toMatchObject({
      problem: { code: "account_deleted" },
      deletion: { ...nonces, signature },
    });
    expect(node.failures).toEqual([]);
  });

  test("ends the other sessions of the account, and tells who looked it up", async () => {
    const node = new TestNode();
    const [ann, ben] = [await node.person(), await node.person()];
    const { connection, nonces } = await online(ann);
    const bens = await ben.online();
    const subject = { case: "accountId", value: ann.account.list.accountId } as const;
    bens.send({ case: "lookup", value: { request: 1, subject } });
    await settle();
    connection.send(deleteAccount(signatureOf(ann, nonces)));
    await settle();
    expect(bens.all("deviceListChanged")).toMatchObject([
      { accountId: ann.account.list.accountId, newestVersion: 0n },
    ]);
    // From here on it was never there.
    bens.send({ case: "lookup", value: { request: 2, subject } });
    const nobody = { case: "accountId", value: new Uint8Array(randomBytes(16)) } as const;
    bens.send({ case: "lookup", value: { request: 2, subject: nobody } });
    bens.send(message(3, ann.inbox, "late"));
    await settle();
    const [gone, never] = bens.all("lookupResult").slice(1);
    expect(gone).toEqual(never);
    expect(bens.outcome(3)).toBe("log_refused");
  });

  test("needs the identity key, over this connection, this account, at this server", async () => {
    const node = new TestNode();
    const [ann, ben] = [await node.person(), await node.person()];
    const { connection, nonces } = await online(ann);
    const other = await online(ann);
    const wrong: readonly Uint8Array[] = [
      signatureOf(ann, nonces, ann.account.device),
      signatureOf(ann, nonces, ben.account.identity),
      signatureOf(ann, nonces, ann.account.identity, ben.account.list.accountId),
      signatureOf(ann, { ...nonces, clientNonce: other.nonces.clientNonce }),
      signatureOf(ann, { ...nonces, serverNonce: other.nonces.serverNonce }),
      new Uint8Array(64),
    ];
    // The newer connection took the place of the first.
    expect(connection.goodbye()).toBe("superseded");
    for (const [index, signature] of wrong.entries()) {
      other.connection.send(deleteAccount(signature, index + 1));
    }
    other.connection.send(deleteAccount(new Uint8Array(63), 50));
    await settle();
    for (const index of wrong.keys()) expect(other.connection.outcome(index + 1)).toBe("signature_invalid");
    expect(other.connection.outcome(50)).toBe("malformed");
    expect(await node.store.accountById(accountId(ann.account.list.accountId))).toBeDefined();
    expect(other.connection.goodbye()).toBeUndefined();
  });

  test("holds against the newest list: a key that was rotated away deletes nothing", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const { connection, nonces } = await online(ann);
    const rotated = nextList(ann.account, undefined, (await node.person()).account.identity);
    connection.send({ case: "putDeviceList", value: { request: 1, deviceList: rotated.signed } });
    connection.send(deleteAccount(signatureOf(ann, nonces), 2));
    await settle();
    expect([connection.outcome(1), connection.outcome(2)]).toEqual(["ok", "signature_invalid"]);
    connection.send(deleteAccount(signatureOf(ann, nonces, rotated.identity), 3));
    await settle();
    expect(connection.outcome(3)).toBe("ok");
  });

  test("a list that comes between is looked at again", async () => {
    const node = new TestNode();
    const ann = await node.person();
    const { connection, nonces } = await online(ann);
    const grown = nextList(ann.account);
    const deleteInStore = node.store.deleteAccount.bind(node.store);
    let raced = false;
    node.store.deleteAccount = async (account, version, farewell) => {
      if (!raced) {
        raced = true;
        await node.ports.directory.putDeviceList(
          { account, device: ann.account.list.devices[0]!.deviceId as never, address: "" },
          { request: 9, deviceList: grown.signed } as never,
        );
      }
      return deleteInStore(account, version, farewell);
    };
    connection.send(deleteAccount(signatureOf(ann, nonces)));
    await settle();
    expect(connection.outcome(1)).toBe("ok");
    expect(await node.store.accountById(accountId(ann.account.list.accountId))).toBeUndefined();
  });

  test("what was sent before it in the same message is carried out first, what follows not at all", async () => {
    const node = new TestNode();
    const [ann, ben] = [await node.person(), await node.person()];
    const bens = await ben.reading();
    const { connection, nonces } = await online(ann);
    connection.send(
      message(1, ben.inbox, "the last word"),
      deleteAccount(signatureOf(ann, nonces), 2),
      message(3, ben.inbox, "too late"),
      attachInbox(4, ann.inbox),
    );
    await settle();
    expect(bens.texts()).toEqual(["the last word"]);
    expect([1, 2, 3, 4].map((request) => connection.outcome(request))).toEqual([
      "ok",
      "ok",
      undefined,
      undefined,
    ]);
  });

  test("is refused while the device is not signed in", async () => {
    const node = new TestNode();
    const connection = node.connect();
    connection.send(deleteAccount(new Uint8Array(64)));
    await settle();
    expect(connection.goodbye()).toBe("not_signed_in");
  });
});
