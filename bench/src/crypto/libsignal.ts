/** The peer `@signalapp/libsignal-client`: PQXDH and the Double Ratchet, native code, state in memory (its stores here are maps). */
import {
  Direction,
  IdentityChange,
  IdentityKeyStore,
  KEMKeyPair,
  KyberPreKeyRecord,
  KyberPreKeyStore,
  PreKeyBundle,
  PreKeyRecord,
  PreKeySignalMessage,
  PreKeyStore,
  PrivateKey,
  ProtocolAddress,
  type PublicKey,
  type SessionRecord,
  SessionStore,
  SignalMessage,
  SignedPreKeyRecord,
  SignedPreKeyStore,
  processPreKeyBundle,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
} from "@signalapp/libsignal-client";
import type { Notebook } from "./samples.ts";

const system = "libsignal";

class Sessions extends SessionStore {
  private readonly byName = new Map<string, SessionRecord>();
  override async saveSession(name: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.byName.set(name.name(), record);
  }
  override async getSession(name: ProtocolAddress): Promise<SessionRecord | null> {
    return this.byName.get(name.name()) ?? null;
  }
  override async getExistingSessions(names: ProtocolAddress[]): Promise<SessionRecord[]> {
    return names.flatMap((name) => this.byName.get(name.name()) ?? []);
  }
}

class Identities extends IdentityKeyStore {
  readonly own = PrivateKey.generate();
  private readonly byName = new Map<string, PublicKey>();
  override async getIdentityKey(): Promise<PrivateKey> {
    return this.own;
  }
  override async getLocalRegistrationId(): Promise<number> {
    return 1;
  }
  override async saveIdentity(name: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    this.byName.set(name.name(), key);
    return IdentityChange.NewOrUnchanged;
  }
  override async isTrustedIdentity(
    _name: ProtocolAddress,
    _key: PublicKey,
    _way: Direction,
  ): Promise<boolean> {
    return true;
  }
  override async getIdentity(name: ProtocolAddress): Promise<PublicKey | null> {
    return this.byName.get(name.name()) ?? null;
  }
}

class PreKeys extends PreKeyStore {
  private readonly byId = new Map<number, PreKeyRecord>();
  override async savePreKey(id: number, record: PreKeyRecord): Promise<void> {
    this.byId.set(id, record);
  }
  override async getPreKey(id: number): Promise<PreKeyRecord> {
    return this.byId.get(id)!;
  }
  override async removePreKey(id: number): Promise<void> {
    this.byId.delete(id);
  }
}

class SignedPreKeys extends SignedPreKeyStore {
  private readonly byId = new Map<number, SignedPreKeyRecord>();
  override async saveSignedPreKey(id: number, record: SignedPreKeyRecord): Promise<void> {
    this.byId.set(id, record);
  }
  override async getSignedPreKey(id: number): Promise<SignedPreKeyRecord> {
    return this.byId.get(id)!;
  }
}

class KyberPreKeys extends KyberPreKeyStore {
  private readonly byId = new Map<number, KyberPreKeyRecord>();
  override async saveKyberPreKey(id: number, record: KyberPreKeyRecord): Promise<void> {
    this.byId.set(id, record);
  }
  override async getKyberPreKey(id: number): Promise<KyberPreKeyRecord> {
    return this.byId.get(id)!;
  }
  override async markKyberPreKeyUsed(): Promise<void> {}
}

class Person {
  readonly address: ProtocolAddress;
  readonly sessions = new Sessions();
  readonly identities = new Identities();
  readonly preKeys = new PreKeys();
  readonly signedPreKeys = new SignedPreKeys();
  readonly kyberPreKeys = new KyberPreKeys();

  constructor(name: string) {
    this.address = ProtocolAddress.new(name, 1);
  }

  /** Publishes keys of all kinds under one number. */
  async bundle(id: number): Promise<PreKeyBundle> {
    const [once, signed, kyber] = [PrivateKey.generate(), PrivateKey.generate(), KEMKeyPair.generate()];
    const signature = this.identities.own.sign(signed.getPublicKey().serialize());
    const kyberSignature = this.identities.own.sign(kyber.getPublicKey().serialize());
    await this.preKeys.savePreKey(id, PreKeyRecord.new(id, once.getPublicKey(), once));
    const record = SignedPreKeyRecord.new(id, Date.now(), signed.getPublicKey(), signed, signature);
    await this.signedPreKeys.saveSignedPreKey(id, record);
    await this.kyberPreKeys.saveKyberPreKey(id, KyberPreKeyRecord.new(id, Date.now(), kyber, kyberSignature));
    return PreKeyBundle.new(
      1,
      1,
      id,
      once.getPublicKey(),
      id,
      signed.getPublicKey(),
      signature,
      this.identities.own.getPublicKey(),
      id,
      kyber.getPublicKey(),
      kyberSignature,
    );
  }

  async encrypt(to: Person, text: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return (await signalEncrypt(text, to.address, this.address, this.sessions, this.identities)).serialize();
  }
  decrypt(from: Person, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const message = SignalMessage.deserialize(sealed);
    return signalDecrypt(message, from.address, this.address, this.sessions, this.identities);
  }
  decryptFirst(from: Person, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return signalDecryptPreKey(
      PreKeySignalMessage.deserialize(sealed),
      from.address,
      this.address,
      this.sessions,
      this.identities,
      this.preKeys,
      this.signedPreKeys,
      this.kyberPreKeys,
    );
  }
  begin(to: Person, bundle: PreKeyBundle): Promise<void> {
    return processPreKeyBundle(bundle, to.address, this.address, this.sessions, this.identities);
  }
}

/** Measures messages that one sends after another, messages that answer each other (each a step of the DH ratchet), and first messages. */
export async function measureLibsignal(
  notebook: Notebook,
  text: Uint8Array,
  messages: number,
): Promise<void> {
  const body = Uint8Array.from(text);
  const [ann, ben] = [new Person("ann"), new Person("ben")];
  await ann.begin(ben, await ben.bundle(1));
  await ben.decryptFirst(ann, await ann.encrypt(ben, body));
  await ann.decrypt(ben, await ben.encrypt(ann, body));
  for (let i = 0; i < messages; i++) await ben.decrypt(ann, await ann.encrypt(ben, body));

  const sealed: Uint8Array<ArrayBuffer>[] = [];
  await notebook.mean(system, 2, "encrypt, in memory", messages, async () => {
    sealed.push(await ann.encrypt(ben, body));
  });
  await notebook.mean(system, 2, "decrypt, in memory", messages, async (i) => {
    if ((await ben.decrypt(ann, sealed[i]!)).length !== body.length) throw new Error("another text came out");
  });
  await notebook.mean(system, 2, "encrypt and decrypt an answer", messages, async (i) => {
    const [from, to] = i % 2 === 0 ? [ben, ann] : [ann, ben];
    await to.decrypt(from, await from.encrypt(to, body));
  });

  const times = Math.max(1, Math.round(messages / 16));
  const strangers: { readonly person: Person; readonly bundle: PreKeyBundle }[] = [];
  for (let i = 0; i < times; i++) {
    const person = new Person(`stranger ${i}`);
    strangers.push({ person, bundle: await person.bundle(i + 1) });
  }
  const first: Uint8Array<ArrayBuffer>[] = [];
  await notebook.mean(system, 2, "first message", times, async (i) => {
    const { person, bundle } = strangers[i]!;
    await ann.begin(person, bundle);
    first.push(await ann.encrypt(person, body));
  });
  await notebook.mean(system, 2, "first message read", times, async (i) => {
    await strangers[i]!.person.decryptFirst(ann, first[i]!);
  });
}
