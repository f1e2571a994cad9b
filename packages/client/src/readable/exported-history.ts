/** What an export holds, before it gets a form. */
import type { Message, Messenger } from "../api.ts";

/** The history of an account, or of one of its conversations. */
export interface ExportedHistory {
  readonly self: Messenger["self"];
  /** Seconds since 1970-01-01 UTC. */
  readonly exportedAtSec: number;
  readonly conversations: readonly {
    /** A person, or a group's name. */
    readonly peer: string;
    /** 32 hexadecimal digits; undefined for a person. */
    readonly groupId: string | undefined;
    /** Oldest first. */
    readonly messages: readonly Message[];
  }[];
}
