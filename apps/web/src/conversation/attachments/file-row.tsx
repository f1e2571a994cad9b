/** A file that is only saved, never shown: what it is called, how large it is, and how far it is on its way. */
import type { ReactNode } from "react";
import { useProblemText } from "../../app/context.tsx";
import { extensionOf, mayRun, sizeText } from "../../media/kinds.ts";
import { saveFile } from "../../media/save.ts";
import { EngineError } from "../../page/engine-client.ts";
import { useAttachmentText } from "../../text/attachments.ts";
import { useLanguage } from "../../text/index.tsx";
import { IconButton } from "../../ui/controls.tsx";
import type { ShownFile } from "./attachments.tsx";
import { Ring } from "./ring.tsx";
import { NeededFile, UploadRing } from "./upload-part.tsx";
import { useDownload } from "./use-file.ts";

/** One row. */
export function FileRow({ file }: { readonly file: ShownFile }): ReactNode {
  const t = useAttachmentText();
  const { language } = useLanguage();
  const { attachment } = file;
  const { name, size } = attachment;
  const kind = extensionOf(name).toUpperCase();
  return (
    <div className="file">
      <FileButton file={file} />
      <div className="file__about">
        {/* Whole, whatever its length: how it ends is what decides what it does. */}
        <bdi className="file__name">{name}</bdi>
        <span className="file__size">
          {kind === "" ? "" : `${kind} · `}
          {sizeText(size, language)}
        </span>
        {mayRun(name) && <span className="file__warning">{t.mayRun}</span>}
        <DownloadProblem file={file} />
        <NeededFile file={file} />
      </div>
    </div>
  );
}

function FileButton({ file }: { readonly file: ShownFile }): ReactNode {
  const t = useAttachmentText();
  const { place, attachment, upload } = file;
  const { download, fetch, cancel } = useDownload(place);
  if (upload !== undefined) return <UploadRing file={file} />;
  if (download.state === "running") {
    const { done } = download;
    return (
      <Ring done={done} total={attachment.size} label={t.downloading} cancel={t.cancel} onCancel={cancel} />
    );
  }
  const save = async (): Promise<void> => {
    const bytes = await fetch();
    if (bytes !== undefined) saveFile(bytes, attachment.name);
  };
  return (
    <IconButton
      className="file__button"
      icon="download"
      label={t.save(attachment.name)}
      onClick={() => void save()}
    />
  );
}

/** Why a file did not come, and another try; nothing while there is nothing to say. */
export function DownloadProblem({ file: { place } }: { readonly file: ShownFile }): ReactNode {
  const t = useAttachmentText();
  const problemText = useProblemText();
  const { download, fetch } = useDownload(place);
  if (download.state !== "failed") return null;
  const { code } = download;
  return (
    <span className="attachment__problem" role="alert">
      {problemText(new EngineError({ code, message: "" }))}{" "}
      {code !== "blob_unknown" && (
        <button type="button" className="text-button" onClick={() => void fetch()}>
          {t.retry}
        </button>
      )}
    </span>
  );
}
