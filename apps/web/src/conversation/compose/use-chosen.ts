/** Files that are chosen and not sent yet. They stay while another conversation is looked at, and go with the page. */
import { LIMITS } from "@sotto/protocol";
import { useEffect, useState } from "react";
import { useCalls } from "../../app/context.tsx";
import type { FileToSend } from "../../engine/messages.ts";
import type { PreparedPicture } from "../../media/prepare.ts";
import { useAttachmentText } from "../../text/attachments.ts";
import { useLanguage } from "../../text/index.tsx";
import { sizeText } from "../../media/kinds.ts";
import { toast } from "../../ui/toast.tsx";

/** A file that is chosen. */
export interface ChosenFile {
  readonly key: string;
  readonly file: File;
  /** What comes of looking at it; undefined: no picture that browsers show. */
  readonly looking: Promise<PreparedPicture | undefined>;
}

/** The files, and what can be done with them. */
export interface Chosen {
  readonly files: readonly ChosenFile[];
  add(files: readonly File[]): void;
  remove(key: string): void;
  /** In place of those that are chosen now. */
  set(files: readonly ChosenFile[]): void;
}

const byConversation = new Map<string, readonly ChosenFile[]>();

/** Those of a conversation. */
export function useChosen(conversation: string): Chosen {
  const t = useAttachmentText();
  const { language } = useLanguage();
  const calls = useCalls();
  const [files, setFiles] = useState(() => byConversation.get(conversation) ?? []);
  useEffect(() => {
    if (files.length === 0) byConversation.delete(conversation);
    else byConversation.set(conversation, files);
  }, [conversation, files]);

  const addThose = async (added: readonly File[]): Promise<void> => {
    const most = await calls.largestAttachment().catch(() => undefined);
    if (most === 0) return toast({ text: t.noFiles });
    const fitting = added.filter(({ size }) => most === undefined || size <= most);
    if (fitting.length < added.length) toast({ text: t.tooLarge(sizeText(most ?? 0, language)) });
    const chosen = fitting.map(choose);
    setFiles((before) => {
      const all = [...before, ...chosen];
      if (all.length > LIMITS.maxAttachments) toast({ text: t.tooMany(LIMITS.maxAttachments) });
      return all.slice(0, LIMITS.maxAttachments);
    });
  };
  return {
    files,
    add: (added) => void addThose(added),
    remove: (key) => setFiles((now) => now.filter((one) => one.key !== key)),
    set: setFiles,
  };
}

function choose(file: File): ChosenFile {
  const looking = import("../../media/prepare.ts")
    .then(({ preparePicture }) => preparePicture(file))
    // Without it, it goes as a file.
    .catch(() => undefined);
  return { key: crypto.randomUUID(), file, looking };
}

/** Files as they are sent, once all of them were looked at. */
export async function filesToSend(files: readonly ChosenFile[]): Promise<readonly FileToSend[]> {
  return Promise.all(
    files.map(async ({ file, looking }) => {
      const { type, width, height, thumbnail, preview } = (await looking) ?? {};
      return {
        file,
        name: file.name,
        ...(type !== undefined && { type }),
        ...(width !== undefined && height !== undefined && { width, height }),
        ...(thumbnail !== undefined && { thumbnail }),
        ...(preview !== undefined && { preview }),
      };
    }),
  );
}
