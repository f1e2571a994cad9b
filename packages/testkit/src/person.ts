/**
 * An account made by hand: its keys, its signed device list, and the classic messages that it sends. Attack tests play
 * honest people with it, and dishonest ones, without a client in the way.
 */
import { create } from "@bufbuild/protobuf";
import {
  type ClassicAddress,
  type CryptoProvider,
  type Ed25519KeyPair,
  type ProtectedClassicMessage,
  type RsaKeyPair,
  type VerifiedDeviceList,
  encodeClassicPlaintext,
  nextDeviceList,
  protectClassic,
  signDeviceList,
  verifyDeviceLists,
} from "@sotto/crypto";
import {
  type AccountId,
  type DeviceId,
  type DeviceList,
  DeviceListSchema,
  type LogId,
  type SignedDeviceList,
  accountId,
  deviceId,
  logId,
} from "@sotto/protocol";

/** A device that classic messages can be written to. */
export interface Recipient {
  readonly address: ClassicAddress;
  readonly inbox: LogId;
  /** SubjectPublicKeyInfo. */
  readonly rsaPublicKey: Uint8Array;
}

/** Somebody with one device. */
export class Person implements Recipient {
  readonly identifier: string;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly inbox: LogId;
  identity: Ed25519KeyPair;
  readonly deviceKey: Ed25519KeyPair;
  readonly rsa: RsaKeyPair;
  /** Every version, oldest first. */
  readonly lists: SignedDeviceList[] = [];
  private readonly provider: CryptoProvider;

  private constructor(
    provider: CryptoProvider,
    identifier: string,
    keys: { identity: Ed25519KeyPair; device: Ed25519KeyPair; rsa: RsaKeyPair },
  ) {
    this.provider = provider;
    this.identifier = identifier;
    this.account = accountId(provider.randomBytes(16));
    this.device = deviceId(provider.randomBytes(16));
    this.inbox = logId(provider.randomBytes(16));
    this.identity = keys.identity;
    this.deviceKey = keys.device;
    this.rsa = keys.rsa;
  }

  /** Makes somebody, with version 1 of the device list signed. @param nowSec time of the list, seconds since 1970. */
  static async make(provider: CryptoProvider, identifier: string, nowSec: number): Promise<Person> {
    const person = new Person(provider, identifier, {
      identity: await provider.ed25519Generate(),
      device: await provider.ed25519Generate(),
      rsa: await provider.rsaGenerate(),
    });
    const now = BigInt(nowSec);
    const list = create(DeviceListSchema, {
      accountId: person.account,
      version: 1n,
      identityKey: person.identity.publicKey,
      createdAtSec: now,
      devices: [
        {
          deviceId: person.device,
          signatureKey: person.deviceKey.publicKey,
          inboxId: person.inbox,
          classicKeys: [{ publicKey: person.rsa.publicKey, addedAtSec: now }],
          addedAtSec: now,
        },
      ],
    });
    person.lists.push(await signDeviceList(provider, list, person.identity.privateKey));
    return person;
  }

  get rsaPublicKey(): Uint8Array {
    return this.rsa.publicKey;
  }

  get address(): ClassicAddress {
    return { account: this.account, device: this.device };
  }

  /** The newest version, verified from the first on. */
  verifiedList(): Promise<VerifiedDeviceList> {
    return verifyDeviceLists(this.provider, undefined, this.lists, this.account);
  }

  /** Signs a next version that `change` has altered, and keeps it. */
  async nextList(nowSec: number, change: (list: DeviceList) => void): Promise<SignedDeviceList> {
    const list = nextDeviceList(await this.verifiedList(), nowSec);
    change(list);
    const signed = await signDeviceList(this.provider, list, this.identity.privateKey);
    this.lists.push(signed);
    return signed;
  }

  /** A classic text for somebody, ready for their inbox. @param n its number for that device. */
  write(
    to: Recipient,
    body: string,
    options: { nowSec: number; n?: number },
  ): Promise<ProtectedClassicMessage> {
    return this.protect(
      to,
      encodeClassicPlaintext({
        type: "text",
        body,
        id: Buffer.from(this.provider.randomBytes(16)).toString("hex"),
        from: this.identifier,
        ...(options.n !== undefined && { n: options.n }),
      }),
      options.nowSec,
    );
  }

  /** Any plaintext, protected for somebody. */
  protect(to: Recipient, plaintext: Uint8Array, nowSec: number): Promise<ProtectedClassicMessage> {
    return protectClassic(this.provider, {
      sender: this.address,
      recipient: to.address,
      recipientKey: to.rsaPublicKey,
      senderPrivateKey: this.rsa.privateKey,
      timestampSec: nowSec,
      plaintext,
    });
  }
}
