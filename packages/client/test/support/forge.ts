/** Classic messages and device lists made by hand, with the keys of people in the world: what honest and dishonest senders could send. */
import {
  encodeClassicPlaintext,
  nextDeviceList,
  protectClassic,
  signDeviceList,
  verifyDeviceLists,
  type ClassicPlaintext,
  type ProtectedClassicMessage,
} from "@sotto/crypto";
import { parseHex, utf8, type DeviceList, type SignedDeviceList } from "@sotto/protocol";
import { memoryStorage } from "../../src/adapters/memory-storage.ts";
import { addressOf } from "../../src/core/hex.ts";
import { inboxItem } from "../../src/core/outbox.ts";
import { names, type OwnAccount } from "../../src/core/records.ts";
import { vaultStore } from "../../src/core/vault-store.ts";
import type { TestPerson } from "./world.ts";

/** Everything that a person's vault holds of the own account. */
export async function secretsOf(person: TestPerson): Promise<OwnAccount> {
  const own = await vaultStore(person.vault, memoryStorage(new Map(person.rows))).get(names.own);
  if (own === undefined) throw new Error("no account");
  return own;
}

/** A message from one person to another, with anything replaced. */
export async function craft(
  from: TestPerson,
  to: TestPerson,
  plaintext: ClassicPlaintext | { readonly raw: string },
  options: {
    readonly timestampSec?: number;
    readonly privateKey?: Uint8Array;
    readonly device?: string;
    readonly recipientKey?: Uint8Array;
  } = {},
): Promise<ProtectedClassicMessage> {
  const [sender, recipient] = [await secretsOf(from), await secretsOf(to)];
  return protectClassic(from.world.crypto, {
    sender: addressOf(sender.account, options.device ?? sender.device),
    recipient: addressOf(recipient.account, recipient.device),
    recipientKey: options.recipientKey ?? (recipient.classicKeys.at(-1)?.publicKey as Uint8Array),
    senderPrivateKey: options.privateKey ?? (sender.classicKeys.at(-1)?.privateKey as Uint8Array),
    timestampSec: options.timestampSec ?? Math.floor(from.world.clock.nowMs() / 1000),
    plaintext: "raw" in plaintext ? utf8(plaintext.raw) : encodeClassicPlaintext(plaintext),
  });
}

/** Puts a message into somebody's inbox, as a server could. */
export function deliver(to: TestPerson, json: string): void {
  to.world.server.deliver(to.inbox, inboxItem(json));
}

/** Publishes the next version of somebody's device list behind their client's back. Returns it. */
export async function publishNext(
  person: TestPerson,
  change: (list: DeviceList) => void,
  options: { readonly identityKey?: Uint8Array; readonly newIdentityKey?: Uint8Array } = {},
): Promise<SignedDeviceList> {
  const { server, crypto, clock } = person.world;
  const lists = server.accounts.get(person.account) ?? [];
  const known = await verifyDeviceLists(crypto, undefined, lists);
  const next = nextDeviceList(known, Math.floor(clock.nowMs() / 1000));
  change(next);
  const identityKey = options.identityKey ?? (await secretsOf(person)).identityKey.privateKey;
  const signed = await signDeviceList(crypto, next, identityKey, options.newIdentityKey);
  server.addList(person.account, signed);
  return signed;
}

/** Replaces one member of a message's JSON. */
export function alter(json: string, member: string, change: (value: string) => unknown): string {
  const message = JSON.parse(json) as Record<string, unknown>;
  return JSON.stringify({ ...message, [member]: change(String(message[member])) });
}

/** Flips one bit of base64 text. */
export function flip(base64: string, bit: number): string {
  const bytes = Buffer.from(base64, "base64");
  const index = Math.floor(bit / 8) % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit % 8));
  return bytes.toString("base64");
}

/** Bytes of a hexadecimal id. */
export const bytesOfId = (hex: string): Uint8Array => parseHex(hex) ?? new Uint8Array();
