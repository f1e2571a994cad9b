/** How far a message has come. */
import type { MessageStatus } from "@sotto/client/web";
import type { ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { Icon } from "../ui/icon.tsx";

/** A sign and its name; nothing for incoming messages. */
export function StatusIcon({ status }: { readonly status: MessageStatus }): ReactNode {
  const t = useText().conversation;
  if (status === "received") return null;
  const icon = (
    { queued: "clock", sent: "check", delivered: "checks", read: "checks", failed: "warning" } as const
  )[status];
  return (
    <span className={`status status--${status}`} title={t[status]}>
      <Icon name={icon} />
      <span className="visually-hidden">{t[status]}</span>
    </span>
  );
}
