/** Files that callers gave, for as long as the process lives: what is read anew from the vault after a failure must not lose them. */
import type { FileSource } from "../../attachment-api.ts";
import type { View } from "../vault-store.ts";

/** Opens a file that was sent before the process began, by what its sender called it; undefined when it is gone. */
export type OpenFile = (reference: string) => Promise<FileSource | undefined>;

/** What uploads read from. */
export interface Files {
  /** By the id of the upload. */
  readonly sources: Map<string, FileSource>;
  /** Ids of files that are kept already, and whose message is about to be stored. */
  readonly sending: Set<string>;
  /** The vault as it is stored, to be read outside of steps. */
  readonly view: View;
  readonly open: OpenFile | undefined;
}

/** None yet. */
export const newFiles = (view: View, open: OpenFile | undefined): Files => ({
  sources: new Map(),
  sending: new Set(),
  view,
  open,
});
