/** What will be sent, before it is: each file with its picture or name, what becomes of what it tells, and a way to take it out. */
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { extensionOf, sizeText } from "../../media/kinds.ts";
import type { PreparedPicture } from "../../media/prepare.ts";
import { useAttachmentText } from "../../text/attachments.ts";
import { useLanguage } from "../../text/index.tsx";
import { IconButton } from "../../ui/controls.tsx";
import { Icon } from "../../ui/icon.tsx";
import { useBlobUrl } from "../../ui/use-blob-url.ts";
import "./compose.css";
import type { ChosenFile } from "./use-chosen.ts";

/** The list; nothing while nothing is chosen. */
export function ChosenFiles({
  files,
  onRemove,
}: {
  readonly files: readonly ChosenFile[];
  readonly onRemove: (key: string) => void;
}): ReactNode {
  const t = useAttachmentText();
  if (files.length === 0) return null;
  return (
    <ul className="chosen" aria-label={t.chosen}>
      {files.map((chosen) => (
        <ChosenRow key={chosen.key} chosen={chosen} onRemove={() => onRemove(chosen.key)} />
      ))}
    </ul>
  );
}

// Kinds that say where and when they were made, and are sent as they are.
const telling = new Set("heic heif avif gif tif tiff mov mp4 m4v webm 3gp".split(" "));

function ChosenRow({
  chosen: { file, looking },
  onRemove,
}: {
  readonly chosen: ChosenFile;
  readonly onRemove: () => void;
}): ReactNode {
  const t = useAttachmentText();
  const { language } = useLanguage();
  const [look, setLook] = useState<{ readonly picture: PreparedPicture | undefined }>();
  useEffect(() => {
    let current = true;
    void looking.then((picture) => current && setLook({ picture }));
    return () => {
      current = false;
    };
  }, [looking]);
  const thumbnail = look?.picture?.thumbnail;
  const small = useMemo(() => thumbnail && new Blob([thumbnail]), [thumbnail]);
  const url = useBlobUrl(small, "image/webp");
  const tells = look?.picture?.stripped === false || telling.has(extensionOf(file.name));
  return (
    <li className="chosen__file">
      <span className="chosen__sign">
        {url === undefined ? (
          <Icon name={look?.picture === undefined ? "file" : "image"} />
        ) : (
          <img src={url} alt="" />
        )}
      </span>
      <span className="chosen__about">
        <bdi className="chosen__name">{file.name}</bdi>
        <span>{sizeText(file.size, language)}</span>
        {look?.picture?.stripped === true && <span>{t.stripped}</span>}
        {look !== undefined && tells && <span>{t.notStripped}</span>}
      </span>
      <IconButton icon="close" label={t.remove(file.name)} onClick={onRemove} />
    </li>
  );
}
