/** A QR code, drawn as one path: black on white whatever the theme, with the quiet zone that scanners need (ISO/IEC 18004). */
import { useMemo, type ReactNode } from "react";
import { encode } from "uqr";

const quietZone = 4;

/** @param text what it says. @param label what it is, for who cannot see it. */
export function Qr({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  const { size, path } = useMemo(() => draw(text), [text]);
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function draw(text: string): { readonly size: number; readonly path: string } {
  const { size, data } = encode(text, { ecc: "M", border: quietZone });
  const path = data.flatMap((row, y) => row.map((black, x) => (black ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return { size, path };
}
