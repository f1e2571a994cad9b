/**
 * Reads from the store that readers of one log share. A message to a room that many read on a node to which the bus brought
 * only that there is something new would be read once by each of them, at the same moment and from the same place.
 */
import { idKey } from "../logs/id-key.ts";
import type { Store, StoredEntry } from "../store.ts";

/** The reads of one node that are under way. */
export class SharedReads {
  readonly #store: Pick<Store, "readEntries">;
  readonly #underWay = new Map<string, Promise<readonly StoredEntry[]>>();

  constructor(store: Pick<Store, "readEntries">) {
    this.#store = store;
  }

  /**
   * See Store.readEntries. Joins an equal read that is under way, which loses nothing: what is stored up to a head was so before
   * anybody knew of that head. @param throughSeq a head that the caller was told of, and no number beyond it.
   */
  readonly readEntries: Store["readEntries"] = (log, afterSeq, throughSeq, maxEntries, maxBytes) => {
    // Readers with room for all that there can be ask for the same, however much more room each has.
    const most = Math.min(maxEntries, throughSeq - afterSeq);
    const key = `${idKey(log)} ${afterSeq} ${throughSeq} ${most} ${maxBytes}`;
    const known = this.#underWay.get(key);
    if (known !== undefined) return known;
    const read = this.#store.readEntries(log, afterSeq, throughSeq, most, maxBytes);
    this.#underWay.set(key, read);
    const forget = (): void => void this.#underWay.delete(key);
    read.then(forget, forget);
    return read;
  };
}
