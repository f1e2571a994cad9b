/** What a part of a message knows of one of its files: how far its download is, its thumbnail. */
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { useCalls, useEngine } from "../../app/context.tsx";
import { downloadsOf, type Download, type FilePlace } from "../../store/downloads.ts";
import { useBlobUrl } from "../../ui/use-blob-url.ts";

/** A download, and what can be done with it. */
export interface UsedDownload {
  readonly download: Download;
  readonly fetch: () => Promise<Blob | undefined>;
  readonly cancel: () => void;
}

/** The download of a file. */
export function useDownload({ conversation, id, index }: FilePlace): UsedDownload {
  const downloads = downloadsOf(useEngine());
  const place = { conversation, id, index };
  const download = useSyncExternalStore(
    useCallback((changed) => downloads.subscribe(changed), [downloads]),
    () => downloads.of(place),
  );
  return { download, fetch: () => downloads.fetch(place), cancel: () => downloads.cancel(place) };
}

/** The small picture that came inside the message; undefined until it was read, or when there is none. */
export function useThumbnail({ conversation, id, index }: FilePlace, has: boolean): string | undefined {
  const calls = useCalls();
  const [bytes, setBytes] = useState<Blob>();
  useEffect(() => {
    let current = true;
    const read = async (): Promise<void> => {
      const found = await calls.attachmentThumbnail(conversation, id, index);
      if (current && found !== undefined) setBytes(new Blob([found as Uint8Array<ArrayBuffer>]));
    };
    // Without it, the blur stays.
    if (has) read().catch(() => undefined);
    return () => {
      current = false;
    };
  }, [calls, conversation, id, index, has]);
  // Of the two types that there are, browsers find out which by themselves.
  return useBlobUrl(bytes, "image/webp");
}
