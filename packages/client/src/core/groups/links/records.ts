/** What the vault holds of links: who asks to be let into our groups, what was answered, and where this account asked itself. Ids are hexadecimal. */
import type { ListName, RecordName } from "../../vault-store.ts";
import type { GroupLinkText } from "./link.ts";

/** Somebody who asks to be let into a group. */
export interface JoinRequestRecord {
  /** The first 16 bytes of SHA-256 of the request's signature. */
  readonly id: string;
  readonly link: string;
  readonly secret: string;
  readonly account: string;
  /** The device that asked, which is told when they do not come in. */
  readonly device: string;
  readonly askedAtMs: number;
}

/** What this account asked for. */
export interface AskedJoinRecord {
  readonly id: string;
  readonly link: GroupLinkText;
  readonly askedAtMs: number;
  readonly state: "waiting" | "refused" | "closed";
}

const record = <T>(name: string): RecordName<T> => ({ record: name });
const list = <T>(name: string): ListName<T> => ({ list: name });

export const linkNames = {
  /** By the group's list of messages, which stays when another group takes its place. */
  requests: (conversation: string) => list<JoinRequestRecord>(`join-requests/${conversation}`),
  /** Which requests were answered lately, the newest last: what was asked until then comes to nothing. */
  answered: (conversation: string) =>
    record<readonly { readonly account: string; readonly untilMs: number }[]>(
      `joins-answered/${conversation}`,
    ),
  /** Requests that another admin refused before they came here. */
  refused: (conversation: string) => record<readonly string[]>(`joins-refused/${conversation}`),
  /** Links that are no more, the newest last. */
  closed:
    record<readonly { readonly link: string; readonly secret: string; readonly group: string }[]>(
      "closed-links",
    ),
  /** Where this account asked. */
  asked: list<AskedJoinRecord>("asked-joins"),
} as const;
