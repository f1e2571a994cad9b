/** Somebody's voice: fetched when it is first played. */
import { useState, type ReactNode } from "react";
import { useAttachmentText } from "../../text/attachments.ts";
import { Player } from "../../voice/player.tsx";
import type { ShownFile } from "./attachments.tsx";
import { DownloadProblem } from "./file-row.tsx";
import { Ring } from "./ring.tsx";
import { NeededFile, UploadRing } from "./upload-part.tsx";
import { useDownload } from "./use-file.ts";

/** One voice message. */
export function VoiceMessage({ file }: { readonly file: ShownFile }): ReactNode {
  const t = useAttachmentText();
  const { place, attachment, upload } = file;
  const { download, fetch, cancel } = useDownload(place);
  const [wanted, setWanted] = useState(false);
  const { size, type, durationMs = 0, waveform } = attachment;
  const ring =
    upload !== undefined ? (
      <UploadRing file={file} />
    ) : download.state === "running" ? (
      <Ring
        done={download.done}
        total={size}
        label={t.downloading}
        cancel={t.cancel}
        onCancel={() => {
          setWanted(false);
          cancel();
        }}
      />
    ) : undefined;
  return (
    <div className="voice">
      <Player
        sound={download.state === "here" ? download.file : undefined}
        type={type}
        durationMs={durationMs}
        waveform={waveform}
        playAtOnce={wanted}
        inPlaceOfPlay={ring}
        onWanted={() => {
          setWanted(true);
          void fetch();
        }}
      />
      <DownloadProblem file={file} />
      <NeededFile file={file} />
    </div>
  );
}
