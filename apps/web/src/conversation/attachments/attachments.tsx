/** The files of a message: pictures, voice messages, and everything else as a file to be saved. */
import type { Attachment, Message } from "@sotto/client/web";
import { Suspense, lazy, useCallback, useState, useSyncExternalStore, type ReactNode } from "react";
import { useEngine } from "../../app/context.tsx";
import type { Upload } from "../../engine/messages.ts";
import { kindOf } from "../../media/kinds.ts";
import type { FilePlace } from "../../store/downloads.ts";
import { uploadsOf, type MessageUploads } from "../../store/uploads.ts";
import "./attachments.css";
import { FileRow } from "./file-row.tsx";
import { Picture } from "./picture.tsx";
import { VoiceMessage } from "./voice-message.tsx";

const Viewer = lazy(async () => import("./viewer.tsx"));

/** One file, as the parts that show it need it. */
export interface ShownFile {
  readonly place: FilePlace;
  readonly attachment: Attachment;
  /** While it is on its way to the server. */
  readonly upload: Upload | undefined;
}

const noUploads: MessageUploads = new Map();

/** The files of a message; nothing where it has none. */
export function Attachments({ message }: { readonly message: Message }): ReactNode {
  const uploads = useUploads(message);
  const [opened, setOpened] = useState<number>();
  const { attachments = [], id, status, direction } = message;
  if (attachments.length === 0) return null;
  const conversation = message.groupId ?? message.conversation;
  const onItsWay = direction === "out" && status === "queued";
  const files: readonly ShownFile[] = attachments.map((attachment, index) => ({
    place: { conversation, id, index },
    attachment,
    upload: onItsWay
      ? (uploads.get(index) ?? { id, index, done: 0, total: attachment.size, needed: false })
      : undefined,
  }));
  const pictures = files.filter(({ attachment }) => kindOf(attachment) === "picture");
  return (
    <div className="attachments">
      {pictures.length > 0 && (
        <div className={pictures.length > 1 ? "pictures pictures--many" : "pictures"}>
          {pictures.map((file, at) => (
            <Picture
              key={file.place.index}
              file={file}
              alone={pictures.length === 1}
              onOpen={() => setOpened(at)}
            />
          ))}
        </div>
      )}
      {files.map((file) => {
        const kind = kindOf(file.attachment);
        if (kind === "picture") return null;
        const Part = kind === "voice" ? VoiceMessage : FileRow;
        return <Part key={file.place.index} file={file} />;
      })}
      <Suspense>
        {opened !== undefined && (
          <Viewer pictures={pictures} first={opened} onClose={() => setOpened(undefined)} />
        )}
      </Suspense>
    </div>
  );
}

function useUploads({ id, status }: Message): MessageUploads {
  const uploads = uploadsOf(useEngine());
  return useSyncExternalStore(
    useCallback((changed) => uploads.subscribe(changed), [uploads]),
    () => (status === "queued" ? (uploads.of(id) ?? noUploads) : noUploads),
  );
}
