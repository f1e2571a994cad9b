/** An address in the page for bytes that it has. */
import { useEffect, useState } from "react";

/** An address for bytes, as long as it is used. @param type what they are shown as. */
export function useBlobUrl(file: Blob | undefined, type: string): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (file === undefined) return undefined;
    const made = URL.createObjectURL(new Blob([file], { type }));
    setUrl(made);
    return () => {
      setUrl(undefined);
      URL.revokeObjectURL(made);
    };
  }, [file, type]);
  return url;
}
