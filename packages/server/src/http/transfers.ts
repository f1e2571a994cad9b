/** Requests about blobs that are under way: so many for one address, so many for all, since each holds a file and a buffer. */
import { ValidationError } from "@sotto/protocol";

const mostPerAddress = 64;
const mostInAll = 1_024;
const busyRetryMs = 1_000;

/** Counts them. */
export class Transfers {
  readonly #byAddress = new Map<string, number>();
  #underWay = 0;

  /** Counts one in. Returns what counts it out. @throws ValidationError `rate_limited`. */
  begin(address: string): () => void {
    const before = this.#byAddress.get(address) ?? 0;
    if (before >= mostPerAddress || this.#underWay >= mostInAll) {
      throw new ValidationError("rate_limited", "too many transfers at once", { retryAfterMs: busyRetryMs });
    }
    this.#byAddress.set(address, before + 1);
    this.#underWay++;
    return () => {
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
      this.#underWay--;
    };
  }
}
