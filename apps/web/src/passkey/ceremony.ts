/**
 * The page's part of passkeys: WebAuthn (Level 3) with its PRF extension, which gives the same 32 secret bytes whenever the same
 * authenticator is asked with the same salt, after a finger, a face or a PIN. What it gives goes to the engine, and wraps the vault's key.
 */

/** A passkey that was made, and what its PRF gave for the salt. */
export interface MadePasskey {
  readonly id: Uint8Array;
  readonly salt: Uint8Array;
  readonly secret: Uint8Array;
}

/** The authenticator keeps no secret: the passkey cannot open anything. */
export class NoPrfError extends Error {}

interface PrfResults {
  readonly prf?: { readonly enabled?: boolean; readonly results?: { readonly first?: ArrayBuffer } };
}

const timeoutMs = 120_000;

/** Whether this browser can do it here. An address that is a bare number has no passkeys. */
export async function canUnlockByPasskey(): Promise<boolean> {
  if (/^[\d.]+$|^\[/.test(location.hostname) || typeof PublicKeyCredential === "undefined") return false;
  const { getClientCapabilities } = PublicKeyCredential as unknown as {
    getClientCapabilities?: () => Promise<Readonly<Record<string, boolean>>>;
  };
  if (getClientCapabilities === undefined) return false;
  try {
    const can = await getClientCapabilities.call(PublicKeyCredential);
    return can["extension:prf"] === true;
  } catch {
    return false;
  }
}

/**
 * Makes a passkey for this address. @param name what password managers list it under.
 * @throws NoPrfError; DOMException when the person or the browser said no.
 */
export async function makePasskey(name: string): Promise<MadePasskey> {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const credential = (await navigator.credentials.create({
    publicKey: {
      rp: { name: "Sotto" },
      user: { id: crypto.getRandomValues(new Uint8Array(16)), name, displayName: name },
      // Nothing is signed for anybody: the challenge has nobody to be sent to.
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [
        { type: "public-key", alg: -7 },
        { type: "public-key", alg: -8 },
        { type: "public-key", alg: -257 },
      ],
      authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
      timeout: timeoutMs,
      extensions: { prf: { eval: { first: salt } } } as AuthenticationExtensionsClientInputs,
    },
  })) as PublicKeyCredential | null;
  if (credential === null) throw new NoPrfError("no passkey was made");
  const id = new Uint8Array(credential.rawId);
  const { prf } = credential.getClientExtensionResults() as PrfResults;
  if (prf?.enabled !== true && prf?.results?.first === undefined)
    throw new NoPrfError("the passkey has no PRF");
  // Most authenticators give the secret only when they are asked with the passkey, not as it is made.
  const first = prf.results?.first;
  const secret = first === undefined ? (await askPasskey([{ id, salt }])).secret : new Uint8Array(first);
  return { id, salt, secret };
}

/** Asks for the secret of one of these passkeys. @throws NoPrfError; DOMException when the person or the browser said no. */
export async function askPasskey(
  passkeys: readonly { readonly id: Uint8Array; readonly salt: Uint8Array }[],
): Promise<{ readonly id: Uint8Array; readonly secret: Uint8Array }> {
  const evalByCredential = Object.fromEntries(
    passkeys.map(({ id, salt }) => [base64Url(id), { first: salt }]),
  );
  const credential = (await navigator.credentials.get({
    publicKey: {
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      allowCredentials: passkeys.map(({ id }) => ({ type: "public-key", id: id.slice() })),
      userVerification: "required",
      timeout: timeoutMs,
      extensions: { prf: { evalByCredential } } as AuthenticationExtensionsClientInputs,
    },
  })) as PublicKeyCredential | null;
  const first = (credential?.getClientExtensionResults() as PrfResults | undefined)?.prf?.results?.first;
  if (credential === null || first === undefined) throw new NoPrfError("the passkey gave no secret");
  return { id: new Uint8Array(credential.rawId), secret: new Uint8Array(first) };
}

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
