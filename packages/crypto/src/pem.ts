/** PEM (RFC 7468, strict form): how keys are shown to people and exchanged with other programs. */
import { UsageError, parseBase64, toBase64 } from "@sotto/protocol";

/** SubjectPublicKeyInfo, and PKCS #8 without encryption. */
export type PemLabel = "PUBLIC KEY" | "PRIVATE KEY";

const lineLength = 64;
// Enough for RSA-4096; ours are 294 and about 1,220 bytes.
const maxTextLength = 8_192;

/** DER as PEM, lines of 64 characters, a line end at the end. */
export function formatPem(label: PemLabel, der: Uint8Array): string {
  const lines = toBase64(der).match(new RegExp(`.{1,${lineLength}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/**
 * The DER in one PEM block. Line ends and blank space around are as they come; nothing else may stand beside it.
 * @throws UsageError `usage`.
 */
export function parsePem(label: PemLabel, text: string): Uint8Array {
  const trimmed = text.length > maxTextLength ? "" : text.trim();
  const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
  const whole =
    trimmed.startsWith(begin) && trimmed.endsWith(end) && trimmed.length > begin.length + end.length;
  const der = whole
    ? parseBase64(trimmed.slice(begin.length, -end.length).replaceAll(/[ \t\r\n]/g, ""))
    : undefined;
  if (der === undefined || der.length === 0) throw new UsageError("usage", `not a ${label} in PEM`);
  return der;
}
