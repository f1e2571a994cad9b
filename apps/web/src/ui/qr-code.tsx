/** A QR code as vector shapes, dark on light whatever the theme: cameras expect it so. */
import { useMemo, type ReactNode } from "react";
import { encode } from "uqr";

/** @param label what it is, for those who do not see it. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  const { data, size } = useMemo(() => encode(text, { ecc: "M", border: 3 }), [text]);
  const path = useMemo(
    () => data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join(""),
    [data],
  );
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
