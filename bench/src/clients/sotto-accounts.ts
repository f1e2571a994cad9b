/**
 * Registers accounts with a Sotto server as any client does: a one-time password each, requests sealed to the server's
 * key, a signed device list with an Ed25519 key and an RSA key. The RSA key is one for all, since making one takes
 * longer than everything else; the server treats each as a key of its own.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ClassicKeySchema,
  DeviceListSchema,
  DeviceSchema,
  ID_BYTES,
  LABELS,
  RegisterPayloadSchema,
  RequestCodePayloadSchema,
  SignedDeviceListSchema,
  labelled,
} from "@sotto/protocol";
import { eachOf } from "./client.ts";
import { RegistrationClient } from "./sotto-registration.ts";

/** What the generator keeps of an account. */
export interface BenchAccount {
  readonly account: Buffer;
  readonly device: Buffer;
  readonly inbox: Buffer;
  /** Ed25519 of the device; parsed before anything is measured, as each device does for itself. */
  readonly privateKey: KeyObject;
}

/** All accounts of a data folder, by user number. */
export interface BenchAccounts {
  /** SHA-256 of the server's SubjectPublicKeyInfo, 32 bytes. */
  readonly serverFingerprint: Buffer;
  readonly accounts: readonly BenchAccount[];
}

/**
 * Registers users 0 to count − 1.
 * @param codesFile where the server leaves its one-time passwords (`--otp file:PATH`).
 */
export async function registerAccounts(
  port: number,
  count: number,
  codesFile: string,
  accountsFile: string,
): Promise<void> {
  const client = await RegistrationClient.connect(port);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const classicKey = rsa.publicKey.export({ format: "der", type: "spki" });
  const users = Array.from({ length: count }, (_, user) => user);

  await eachOf(users, 16, async (user) => {
    const request = create(RequestCodePayloadSchema, { identifier: identifierOf(user) });
    await client.call(user, "RequestCode", toBinary(RequestCodePayloadSchema, request));
  });
  const codes = readCodes(codesFile);
  const accounts: BenchAccount[] = [];
  await eachOf(users, 16, async (user) => {
    const code = codes.get(identifierOf(user));
    if (code === undefined) throw new Error(`the server left no code for user ${user}`);
    const { account, list, signature } = newAccount(classicKey);
    const register = create(RegisterPayloadSchema, {
      identifier: identifierOf(user),
      code,
      deviceList: create(SignedDeviceListSchema, { list, signature }),
    });
    await client.call(user, "Register", toBinary(RegisterPayloadSchema, register));
    accounts[user] = account;
  });
  client.close();
  writeAccounts(accountsFile, client.serverFingerprint, accounts);
}

/** Makes up accounts that no server knows. */
export function makeAccounts(count: number, accountsFile: string): void {
  const accounts = Array.from({ length: count }, () => newKeys());
  writeAccounts(accountsFile, Buffer.alloc(32), accounts);
}

function writeAccounts(path: string, fingerprint: Buffer, accounts: readonly BenchAccount[]): void {
  const lines = accounts.map(({ account, device, inbox, privateKey }) =>
    [account, device, inbox, privateKey.export({ format: "der", type: "pkcs8" })]
      .map((part) => part.toString("base64"))
      .join(" "),
  );
  writeFileSync(path, [fingerprint.toString("base64"), ...lines].join("\n"));
}

/** Reads what registerAccounts wrote. */
export function readAccounts(path: string): BenchAccounts {
  const [fingerprint, ...lines] = readFileSync(path, "utf8").split("\n");
  return {
    serverFingerprint: Buffer.from(fingerprint!, "base64"),
    accounts: lines.map((line) => {
      const [account, device, inbox, key] = line.split(" ").map((part) => Buffer.from(part, "base64"));
      const privateKey = createPrivateKey({ key: key!, format: "der", type: "pkcs8" });
      return { account: account!, device: device!, inbox: inbox!, privateKey };
    }),
  };
}

const identifierOf = (user: number): string => `bench-${user}@example.org`;

function readCodes(path: string): Map<string, string> {
  const codes = new Map<string, string>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line === "") continue;
    const { identifier, code } = JSON.parse(line) as { identifier: string; code: string };
    codes.set(identifier, code);
  }
  return codes;
}

const newKeys = (): BenchAccount => ({
  account: randomBytes(ID_BYTES),
  device: randomBytes(ID_BYTES),
  inbox: randomBytes(ID_BYTES),
  privateKey: generateKeyPairSync("ed25519").privateKey,
});

function newAccount(classicKey: Buffer): { account: BenchAccount; list: Uint8Array; signature: Uint8Array } {
  const identity = generateKeyPairSync("ed25519");
  const account = newKeys();
  const nowSec = BigInt(Math.floor(Date.now() / 1000));
  const list = toBinary(
    DeviceListSchema,
    create(DeviceListSchema, {
      accountId: account.account,
      version: 1n,
      identityKey: rawEd25519(identity.publicKey.export({ format: "der", type: "spki" })),
      createdAtSec: nowSec,
      devices: [
        create(DeviceSchema, {
          deviceId: account.device,
          signatureKey: rawEd25519(
            createPublicKey(account.privateKey).export({ format: "der", type: "spki" }),
          ),
          inboxId: account.inbox,
          classicKeys: [create(ClassicKeySchema, { publicKey: classicKey, addedAtSec: nowSec })],
          addedAtSec: nowSec,
        }),
      ],
    }),
  );
  return { account, list, signature: sign(null, labelled(LABELS.deviceList, list), identity.privateKey) };
}

/** The last 32 bytes of an Ed25519 SubjectPublicKeyInfo are the key. */
function rawEd25519(spki: Buffer): Uint8Array {
  return spki.subarray(spki.length - 32);
}
