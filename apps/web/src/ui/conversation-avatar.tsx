/** The sign of a conversation: the group's picture, once it has come, or initials. */
import type { ConversationSummary, Group } from "@sotto/client/web";
import { useEffect, useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { Avatar } from "./avatar.tsx";
import { useBlobUrl } from "./use-blob-url.ts";

/** @param size in CSS pixels. */
export function ConversationAvatar({
  conversationKey: key,
  summary,
  size,
}: {
  readonly conversationKey: string;
  readonly summary: ConversationSummary | undefined;
  readonly size: number;
}): ReactNode {
  const name = summary?.contact?.name || (summary?.peer ?? key);
  return <Avatar name={name} of={key} size={size} picture={useGroupPicture(summary?.group)} />;
}

interface Read {
  /** Which picture it is. */
  readonly hash: string;
  readonly bytes: Blob;
}

/** Its address in the page; undefined while it has none, or it has not come. */
function useGroupPicture(group: Group | undefined): string | undefined {
  const calls = useCalls();
  const [read, setRead] = useState<Read>();
  const hash = group?.picture;
  const there = read !== undefined && read.hash === hash;
  useEffect(() => {
    if (group?.picture === undefined || there) return undefined;
    const { id, picture } = group;
    let current = true;
    const look = async (): Promise<void> => {
      const bytes = await calls.groupPicture(id);
      if (current && bytes !== undefined)
        setRead({ hash: picture, bytes: new Blob([bytes as Uint8Array<ArrayBuffer>]) });
    };
    // A picture comes after the change that names it: then there is a new `group`, and it is looked for once more.
    look().catch(() => undefined);
    return () => {
      current = false;
    };
  }, [calls, group, there]);
  // Of the two types that there are, browsers find out which by themselves.
  return useBlobUrl(there ? read.bytes : undefined, "image/webp");
}
