/** A file that is on its way to the server: how far it is, and what to do when it cannot go on by itself. */
import { useRef, type ReactNode } from "react";
import { useCalls, useProblemText } from "../../app/context.tsx";
import { useAttachmentText } from "../../text/attachments.ts";
import { toast } from "../../ui/toast.tsx";
import type { ShownFile } from "./attachments.tsx";
import { Ring } from "./ring.tsx";

/** The ring; stopping takes the whole message back. */
export function UploadRing({ file: { place, upload } }: { readonly file: ShownFile }): ReactNode {
  const t = useAttachmentText();
  const calls = useCalls();
  const problemText = useProblemText();
  if (upload === undefined) return null;
  const stop = (): void => {
    calls
      .deleteMessage(place.conversation, place.id)
      .catch((cause: unknown) => toast({ text: problemText(cause) }));
  };
  return <Ring done={upload.done} total={upload.total} label={t.uploading} cancel={t.stop} onCancel={stop} />;
}

/** Asks for a file that a reload has lost; nothing while none is missing. */
export function NeededFile({ file: { place, upload, attachment } }: { readonly file: ShownFile }): ReactNode {
  const t = useAttachmentText();
  const calls = useCalls();
  const problemText = useProblemText();
  const input = useRef<HTMLInputElement>(null);
  if (upload?.needed !== true) return null;
  const supply = (chosen: File | undefined): void => {
    if (chosen === undefined) return;
    calls
      .supplyFile(place.conversation, place.id, place.index, chosen)
      .catch((cause: unknown) => toast({ text: problemText(cause) }));
  };
  return (
    <p className="attachment__needed">
      {t.needed}{" "}
      <button type="button" className="text-button" onClick={() => input.current?.click()}>
        {t.chooseAgain(attachment.name)}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        onChange={(event) => supply((event.currentTarget as HTMLInputElement).files?.[0])}
      />
    </p>
  );
}
