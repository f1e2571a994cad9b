/** QR codes for terminals. */
import { renderUnicodeCompact } from "uqr";

/** A QR code in half blocks, two modules a line. Drawn for dark terminals; scanners read it inverted as well. */
export function renderQr(text: string): string {
  return renderUnicodeCompact(text, { border: 2 });
}
