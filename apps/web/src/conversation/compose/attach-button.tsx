/** Opens the browser's own choice of files. */
import { useRef, type ReactNode } from "react";
import { useAttachmentText } from "../../text/attachments.ts";
import { IconButton } from "../../ui/controls.tsx";

/** @param onFiles gets what was chosen. */
export function AttachButton({
  disabled,
  onFiles,
}: {
  readonly disabled: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}): ReactNode {
  const t = useAttachmentText();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton icon="attach" label={t.attach} disabled={disabled} onClick={() => input.current?.click()} />
      <input
        ref={input}
        className="composer__files"
        type="file"
        multiple
        hidden
        onChange={(event) => {
          const box = event.currentTarget as HTMLInputElement;
          onFiles([...(box.files ?? [])]);
          // The same file may be chosen again.
          box.value = "";
        }}
      />
    </>
  );
}
