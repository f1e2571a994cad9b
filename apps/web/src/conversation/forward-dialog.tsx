/** Whom a message is handed on to. */
import type { Message } from "@sotto/client/web";
import { useState, type ReactNode } from "react";
import { useCalls, useConversations, useProblemText } from "../app/context.tsx";
import { keyOf } from "../store/conversations.ts";
import { useText } from "../text/index.tsx";
import { ConversationAvatar } from "../ui/conversation-avatar.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { toast } from "../ui/toast.tsx";
import { Who } from "../ui/who.tsx";

/** Lists the conversations to choose from. */
function ForwardDialog({
  message,
  onClose,
}: {
  readonly message: Message;
  readonly onClose: () => void;
}): ReactNode {
  const t = useText().conversation;
  const calls = useCalls();
  const problemText = useProblemText();
  const { all = [] } = useConversations();
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLocaleLowerCase();
  const forward = (key: string): void => {
    const id = crypto.randomUUID().replaceAll("-", "");
    const conversation = message.groupId ?? message.conversation;
    // Files are not uploaded anew: the message says again where they are.
    const attachments = message.attachments?.map((_, index) => ({ conversation, id: message.id, index }));
    const files = attachments !== undefined && { attachments };
    calls.send(key, message.body, { id, forwarded: true, ...files }).then(
      () => toast({ text: t.forwardedTo }),
      (cause: unknown) => toast({ text: problemText(cause) }),
    );
    onClose();
  };
  return (
    <Dialog title={t.forward} onClose={onClose}>
      <input
        className="field__input"
        type="search"
        aria-label={t.searchPeople}
        placeholder={t.searchPeople}
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      <ul className="forward">
        {all
          .filter(({ peer, contact }) =>
            `${peer}\n${contact?.name ?? ""}`.toLocaleLowerCase().includes(wanted),
          )
          .slice(0, 50)
          .map((summary) => (
            <li key={keyOf(summary)}>
              <button type="button" className="forward__row" onClick={() => forward(keyOf(summary))}>
                <ConversationAvatar conversationKey={keyOf(summary)} summary={summary} size={36} />
                <Who identifier={summary.peer} name={summary.contact?.name ?? ""} />
              </button>
            </li>
          ))}
      </ul>
    </Dialog>
  );
}

export default ForwardDialog;
