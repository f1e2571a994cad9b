/** Numbers as people read them. */
import { useEffect, useState } from "react";

/** Formats an identifier; as it is until what that takes was fetched. */
export function useReadable(): (identifier: string) => string {
  const [format, setFormat] = useState<(e164: string) => string>();
  useEffect(() => {
    let current = true;
    import("./phones.ts").then(
      ({ phones }) => current && setFormat(() => phones.formatNumber),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, []);
  return (identifier) =>
    identifier.startsWith("+") && format !== undefined ? format(identifier) : identifier;
}
