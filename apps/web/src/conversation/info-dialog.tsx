/** Who has a message, and who read it. */
import type { Message, Receipt } from "@sotto/client/web";
import { useEffect, useState, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { useLanguage, useText } from "../text/index.tsx";
import { fullTime } from "../text/times.ts";
import { Notice } from "../ui/controls.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { useLabels } from "../ui/who.tsx";

/** @param conversationKey where it was sent. */
function InfoDialog({
  conversationKey: key,
  message,
  onClose,
}: {
  readonly conversationKey: string;
  readonly message: Message;
  readonly onClose: () => void;
}): ReactNode {
  const t = useText().conversation;
  const { language } = useLanguage();
  const calls = useCalls();
  const problemText = useProblemText();
  const labelOf = useLabels();
  const [receipts, setReceipts] = useState<readonly Receipt[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    calls.receipts(key, message.id).then(setReceipts, (cause: unknown) => setProblem(problemText(cause)));
  }, [calls, key, message.id, problemText]);
  const stateOf = ({ read, readAt, delivered, deliveredAt }: Receipt): string => {
    const at = read ? readAt : deliveredAt;
    const what = read ? t.read : delivered ? t.delivered : t.sent;
    return at === undefined ? what : `${what} · ${fullTime(at, language)}`;
  };
  return (
    <Dialog title={t.info} onClose={onClose}>
      <p>
        {t.sent} · {fullTime(message.sentAt, language)}
      </p>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      <dl className="receipts">
        {receipts?.map((receipt) => (
          <div key={receipt.accountId}>
            <dt>
              <bdi>{labelOf(receipt.identifier)}</bdi>
            </dt>
            <dd>{stateOf(receipt)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

export default InfoDialog;
