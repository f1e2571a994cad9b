/**
 * Invite links: `sotto://host[:port]/[?plain]#fingerprint`. The fingerprint is how a client knows the server's key beforehand;
 * it stands in the fragment, which browsers never send. `plain` means HTTP without TLS (a test, or a trusted network).
 */
import { parseBase64Url, toBase64Url } from "./bytes.ts";
import { UsageError } from "./errors.ts";

/** Where a server is, and which key it must have. */
export interface ServerAddress {
  /** Origin without a slash at its end: `https://chat.example.org`, `http://127.0.0.1:8443`. */
  readonly origin: string;
  /** SHA-256 of the server's SubjectPublicKeyInfo, 32 bytes, when the link carries it. */
  readonly fingerprint: Uint8Array | undefined;
}

/** A fingerprint (32 bytes) as 43 characters of base64url. */
export const formatFingerprint = (fingerprint: Uint8Array): string => toBase64Url(fingerprint);

/** The 32 bytes of a fingerprint's text; undefined for anything else. */
export function parseFingerprint(text: string): Uint8Array | undefined {
  const bytes = parseBase64Url(text.trim());
  return bytes?.length === 32 ? bytes : undefined;
}

/** The invite link of a server. @param origin its http(s) origin. */
export function formatInvite(origin: string, fingerprint: Uint8Array): string {
  const url = new URL(origin);
  return `sotto://${url.host}/${url.protocol === "http:" ? "?plain" : ""}#${formatFingerprint(fingerprint)}`;
}

/**
 * Reads an invite link or an http(s) URL.
 * @throws UsageError `usage` when it is neither, or its fragment is no fingerprint.
 */
export function parseServerAddress(text: string): ServerAddress {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    // The platform's own error repeats the address, password and all: it does not become the cause.
    throw new UsageError(
      "usage",
      "the server's address must look like https://chat.example.org or sotto://…",
    );
  }
  if (
    !["sotto:", "http:", "https:"].includes(url.protocol) ||
    url.host === "" ||
    url.username !== "" ||
    url.password !== ""
  ) {
    throw new UsageError("usage", "the server's address must start with https://, http:// or sotto://");
  }
  const fingerprint = url.hash === "" ? undefined : parseFingerprint(url.hash.slice(1));
  if (url.hash !== "" && fingerprint === undefined) {
    throw new UsageError("usage", "the part after # is no server key fingerprint (43 characters)");
  }
  const plain = url.protocol === "http:" || (url.protocol === "sotto:" && url.searchParams.has("plain"));
  return { origin: httpOrigin(`${plain ? "http" : "https"}://${url.host}`), fingerprint };
}

/** One server has one origin: lower case, no default port, and only hosts that HTTP can reach (`sotto:` URLs take more). */
function httpOrigin(text: string): string {
  try {
    return new URL(text).origin;
  } catch {
    throw new UsageError("usage", "the server's address names no host that can be reached");
  }
}
