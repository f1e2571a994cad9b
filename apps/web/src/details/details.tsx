/** About a conversation: the person or the group, and what is decided about it. */
import type { ConversationSummary } from "@sotto/client/web";
import type { ReactNode } from "react";
import { go } from "../app/route.ts";
import { useText } from "../text/index.tsx";
import { ConversationAvatar } from "../ui/conversation-avatar.tsx";
import { Dialog } from "../ui/dialog.tsx";
import "./details.css";
import { GroupDetails } from "./group-details.tsx";
import { Options } from "./options.tsx";
import { PersonDetails } from "./person-details.tsx";

/** @param panel which part is asked for: details, or verify. */
function Details({
  conversationKey: key,
  summary,
  panel,
}: {
  readonly conversationKey: string;
  readonly summary: ConversationSummary | undefined;
  readonly panel: string;
}): ReactNode {
  const t = useText();
  const peer = summary?.peer ?? key;
  const known = summary?.contact?.name ?? "";
  const name = known || peer;
  return (
    <Dialog title={t.details.title} onClose={() => go({ screen: "conversation", key })}>
      <div className="details__who">
        <ConversationAvatar conversationKey={key} summary={summary} size={72} />
        <h3>
          <bdi>{name}</bdi>
        </h3>
        {known !== "" && (
          <p>
            <bdi>{peer}</bdi>
          </p>
        )}
      </div>
      {summary?.group === undefined ? (
        <PersonDetails peer={key} contact={summary?.contact} verifying={panel === "verify"} />
      ) : (
        <GroupDetails group={summary.group} />
      )}
      {summary !== undefined && <Options conversationKey={key} summary={summary} />}
    </Dialog>
  );
}

export default Details;
