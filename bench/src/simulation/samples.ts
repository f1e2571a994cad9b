/** Latencies that a run saw. */

/** Gathers figures and tells where their parts lie. */
export class Samples {
  readonly #values: number[] = [];
  #sorted = true;

  add(value: number): void {
    this.#values.push(value);
    this.#sorted = false;
  }

  get count(): number {
    return this.#values.length;
  }

  /** The value that so great a share of all lies under or at. NaN when there are none. @param share 0 to 1. */
  percentile(share: number): number {
    if (!this.#sorted) this.#values.sort((a, b) => a - b);
    this.#sorted = true;
    if (this.#values.length === 0) return Number.NaN;
    return this.#values[Math.min(this.#values.length - 1, Math.floor(share * this.#values.length))] as number;
  }

  get mean(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length;
  }
}
