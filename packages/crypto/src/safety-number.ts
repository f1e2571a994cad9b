/**
 * Safety numbers: two people compare 60 digits, or scan them, to know that no server came between them.
 *
 * Each side gives 30 digits, computed from its identity key and account id alone; the two halves stand in ascending order,
 * so that both people see the same number. One half is
 *   PBKDF2-HMAC-SHA256(identity key ‖ account id, salt = "sotto/safety-number/v1", 100,000 iterations, 30 bytes)
 * as six big-endian groups of 5 bytes, each modulo 100,000. A key that fakes one half takes 2^99 tries of that many
 * iterations. It changes with an identity key, never with a device.
 */
import { type AccountId, LABELS, UsageError, concatBytes, utf8 } from "@sotto/protocol";
import type { CryptoProvider } from "./provider.ts";

/** What a safety number is computed from. */
export interface SafetyNumberParty {
  readonly accountId: AccountId;
  /** Ed25519, 32 bytes. */
  readonly identityKey: Uint8Array;
}

const iterations = 100_000;
const groupBytes = 5;
const groupsPerSide = 6;
const qrPrefix = "SOTTO-SAFETY:1:";

/** The safety number of two people: 12 groups of 5 digits with a space between; the same whoever asks. */
export async function safetyNumber(
  provider: CryptoProvider,
  one: SafetyNumberParty,
  other: SafetyNumberParty,
): Promise<string> {
  const halves = await Promise.all([half(provider, one), half(provider, other)]);
  return halves.toSorted().join(" ");
}

/** The same number for a QR code, in its alphanumeric character set: "SOTTO-SAFETY:1:" and the 60 digits. */
export function formatSafetyNumberQr(number: string): string {
  const digits = number.replaceAll(" ", "");
  if (!/^[0-9]{60}$/.test(digits)) throw new UsageError("usage", "a safety number has 60 digits");
  return qrPrefix + digits;
}

/** The safety number in a scanned QR code, in groups; undefined for another kind of code. */
export function parseSafetyNumberQr(text: string): string | undefined {
  if (!text.startsWith(qrPrefix) || !/^[0-9]{60}$/.test(text.slice(qrPrefix.length))) return undefined;
  return text
    .slice(qrPrefix.length)
    .match(/[0-9]{5}/g)
    ?.join(" ");
}

async function half(provider: CryptoProvider, party: SafetyNumberParty): Promise<string> {
  const material = concatBytes(party.identityKey, party.accountId);
  const length = groupBytes * groupsPerSide;
  const bytes = await provider.pbkdf2Sha256(material, utf8(LABELS.safetyNumber), iterations, length);
  const groups = Array.from({ length: groupsPerSide }, (_, group) => {
    let value = 0;
    for (const byte of bytes.subarray(group * groupBytes, (group + 1) * groupBytes))
      value = value * 256 + byte;
    return String(value % 100_000).padStart(5, "0");
  });
  return groups.join(" ");
}
