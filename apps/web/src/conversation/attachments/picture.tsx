/** A picture in a message: blurred at once, small as soon as the vault has been asked, whole when it is opened. */
import type { ReactNode } from "react";
import { sizeText } from "../../media/kinds.ts";
import { useAttachmentText } from "../../text/attachments.ts";
import { useLanguage } from "../../text/index.tsx";
import { Icon } from "../../ui/icon.tsx";
import type { ShownFile } from "./attachments.tsx";
import { Blur } from "./blur.tsx";
import { NeededFile, UploadRing } from "./upload-part.tsx";
import { useThumbnail } from "./use-file.ts";

const widestPx = 320;
const tallestPx = 360;

/** @param alone it has its own shape; otherwise that of its place among others. @param onOpen shows it in front of everything. */
export function Picture({
  file,
  alone,
  onOpen,
}: {
  readonly file: ShownFile;
  readonly alone: boolean;
  readonly onOpen: () => void;
}): ReactNode {
  const t = useAttachmentText();
  const { language } = useLanguage();
  const { place, attachment, upload } = file;
  const { name, size, preview, thumbnail } = attachment;
  const url = useThumbnail(place, thumbnail);
  const seen = preview !== undefined || thumbnail;
  return (
    <div className="picture" {...(alone && { style: boxOf(attachment) })}>
      <button
        type="button"
        className="picture__open"
        // Without anything to see, what stands there is a part of its name.
        {...(seen && { "aria-label": t.open(name) })}
        title={name}
        // What is not with the server yet can be fetched from nowhere.
        disabled={upload !== undefined}
        onClick={onOpen}
      >
        {preview !== undefined && <Blur hash={preview} />}
        {url !== undefined && <img className="picture__thumbnail" src={url} alt="" draggable={false} />}
        {!seen && (
          <span className="picture__unseen">
            <Icon name="image" />
            <span className="visually-hidden">{t.open(name)}</span>
            <bdi aria-hidden="true">{name}</bdi>
            <span>{sizeText(size, language)}</span>
          </span>
        )}
      </button>
      {upload?.needed === false && <UploadRing file={file} />}
      <NeededFile file={file} />
    </div>
  );
}

/** Its place is kept before anything of it is there, so that nothing moves when it comes. */
function boxOf({ width = 4, height = 3 }: ShownFile["attachment"]): {
  readonly width: string;
  readonly aspectRatio: string;
} {
  const ratio = Math.min(2.4, Math.max(0.5, width / height));
  return { width: `${Math.min(widestPx, tallestPx * ratio)}px`, aspectRatio: String(ratio) };
}
