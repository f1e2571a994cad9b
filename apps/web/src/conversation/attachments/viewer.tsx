/**
 * A picture in front of everything. It is fetched now, and its own bytes decide whether it is shown: what is no picture after all, or larger
 * than can be decoded without harm, can only be saved. Arrow keys go through the message's pictures, Escape closes.
 */
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { pictureShape } from "@sotto/client/web-media";
import { isShowable } from "../../media/bounds.ts";
import { saveFile } from "../../media/save.ts";
import { useAttachmentText } from "../../text/attachments.ts";
import { useText } from "../../text/index.tsx";
import { IconButton } from "../../ui/controls.tsx";
import { useBlobUrl } from "../../ui/use-blob-url.ts";
import { useModal } from "../../ui/use-modal.ts";
import type { ShownFile } from "./attachments.tsx";
import { DownloadProblem } from "./file-row.tsx";
import { Ring } from "./ring.tsx";
import { useDownload, useThumbnail } from "./use-file.ts";
import "./viewer.css";

/** @param first which of them is shown first. */
function Viewer({
  pictures,
  first,
  onClose,
}: {
  readonly pictures: readonly ShownFile[];
  readonly first: number;
  readonly onClose: () => void;
}): ReactNode {
  const t = useAttachmentText();
  const common = useText().common;
  const dialog = useModal();
  const [at, setAt] = useState(first);
  const [large, setLarge] = useState(false);
  const file = pictures[at] ?? pictures[0];
  if (file === undefined) return null;
  const { name } = file.attachment;
  const go = (to: number): void => {
    setLarge(false);
    setAt(Math.min(pictures.length - 1, Math.max(0, to)));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") event.stopPropagation();
    else if (event.key === "ArrowLeft") go(at - 1);
    else if (event.key === "ArrowRight") go(at + 1);
  };
  return (
    <dialog
      ref={dialog}
      className="viewer"
      aria-label={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={onKeyDown}
    >
      <header className="viewer__bar">
        <bdi className="viewer__name">{name}</bdi>
        {pictures.length > 1 && (
          <>
            <IconButton icon="back" label={t.before} disabled={at === 0} onClick={() => go(at - 1)} />
            <span aria-live="polite">{t.of(at + 1, pictures.length)}</span>
            <IconButton
              icon="next"
              label={t.after}
              disabled={at === pictures.length - 1}
              onClick={() => go(at + 1)}
            />
          </>
        )}
        <IconButton
          icon="search"
          label={large ? t.fit : t.enlarge}
          aria-pressed={large}
          onClick={() => setLarge(!large)}
        />
        <SaveButton file={file} />
        <IconButton icon="close" label={common.close} onClick={onClose} />
      </header>
      <Whole key={file.place.index} file={file} large={large} onToggle={() => setLarge(!large)} />
    </dialog>
  );
}

function SaveButton({ file: { place, attachment } }: { readonly file: ShownFile }): ReactNode {
  const t = useAttachmentText();
  const { fetch } = useDownload(place);
  const save = async (): Promise<void> => {
    const bytes = await fetch();
    if (bytes !== undefined) saveFile(bytes, attachment.name);
  };
  return <IconButton icon="download" label={t.save(attachment.name)} onClick={() => void save()} />;
}

/** What came of looking at the bytes. */
type Look = { readonly type: string } | "looking" | "unfit";

function Whole({
  file,
  large,
  onToggle,
}: {
  readonly file: ShownFile;
  readonly large: boolean;
  readonly onToggle: () => void;
}): ReactNode {
  const t = useAttachmentText();
  const { place, attachment } = file;
  const { download, fetch, cancel } = useDownload(place);
  const thumbnail = useThumbnail(place, attachment.thumbnail);
  const bytes = download.state === "here" ? download.file : undefined;
  const [look, setLook] = useState<Look>("looking");

  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    void fetch();
  });
  useEffect(() => {
    let current = true;
    const lookAt = async (file: Blob): Promise<void> => {
      const shape = await pictureShape(file);
      if (current) setLook(shape !== undefined && isShowable(shape) ? shape : "unfit");
    };
    if (bytes !== undefined) void lookAt(bytes);
    return () => {
      current = false;
    };
  }, [bytes]);

  const fit = typeof look === "object" ? bytes : undefined;
  const url = useBlobUrl(fit, typeof look === "object" ? look.type : "");
  const shown = url ?? thumbnail;
  return (
    <div
      className={large ? "viewer__picture viewer__picture--large" : "viewer__picture"}
      // What is larger than the window is moved by arrow keys, once it has focus.
      tabIndex={large ? 0 : undefined}
    >
      {look === "unfit" ? (
        <p className="viewer__words">{t.unfit}</p>
      ) : (
        shown !== undefined && (
          <img
            src={shown}
            alt={attachment.name}
            className={url === undefined ? "viewer__small" : ""}
            onError={() => url !== undefined && setLook("unfit")}
            onClick={onToggle}
          />
        )
      )}
      {download.state === "running" && (
        <Ring
          done={download.done}
          total={attachment.size}
          label={t.downloading}
          cancel={t.cancel}
          onCancel={cancel}
        />
      )}
      {download.state === "failed" && (
        <p className="viewer__words">
          <DownloadProblem file={file} />
        </p>
      )}
    </div>
  );
}

export default Viewer;
