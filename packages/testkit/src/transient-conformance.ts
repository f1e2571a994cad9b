/** What every adapter of the port for what lives for minutes must do, as one suite that all of them run. */
import { describe, expect, test } from "vitest";
import type { TransientStore } from "@sotto/server";

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const value = (n: number): Uint8Array => new Uint8Array(5).fill(n);

/**
 * Declares the suite.
 * @param open an empty store, whose clock is at `nowMs()`.
 */
export function transientConformance(
  name: string,
  open: (nowMs: () => number) => TransientStore | Promise<TransientStore>,
): void {
  describe(`transient conformance: ${name}`, () => {
    const start = 1_800_000_000_000;
    const setUp = async () => {
      const clock = { nowMs: start };
      return { clock, store: await open(() => clock.nowMs) };
    };
    const later = start + 10_000;

    test("a value is there until it expires, the newest in place of the one before, each kind by itself", async () => {
      const { clock, store } = await setUp();
      await store.put("code", id(1), value(1), start + 5_000);
      await store.put("code", id(1), value(2), later);
      await store.put("request", id(1), value(3), later);
      expect(await store.read("code", id(1))).toEqual(value(2));
      expect(await store.read("request", id(1))).toEqual(value(3));
      expect(await store.read("code", id(2))).toBeUndefined();
      clock.nowMs = later - 1;
      expect(await store.read("code", id(1))).toEqual(value(2));
      clock.nowMs = later;
      expect(await store.read("code", id(1))).toBeUndefined();
      expect(await store.take("request", id(1))).toBeUndefined();
    });

    test("a swap needs exactly what was there before; what expired is not there", async () => {
      const { clock, store } = await setUp();
      expect(await store.swap("code", id(1), value(1), value(2), later)).toBe("differs");
      expect(await store.swap("code", id(1), undefined, value(1), later)).toBe("done");
      expect(await store.swap("code", id(1), undefined, value(2), later)).toBe("differs");
      expect(await store.swap("code", id(1), value(2), value(3), later)).toBe("differs");
      expect(await store.swap("code", id(1), value(1), value(4), later)).toBe("done");
      expect(await store.read("code", id(1))).toEqual(value(4));
      clock.nowMs = later;
      expect(await store.swap("code", id(1), value(4), value(5), later + 1)).toBe("differs");
      expect(await store.swap("code", id(1), undefined, value(5), later + 1)).toBe("done");
      expect(await store.read("code", id(1))).toEqual(value(5));
    });

    test("of many that swap or take at once, one does", async () => {
      const { store } = await setUp();
      const swaps = Array.from({ length: 8 }, (_, n) =>
        store.swap("link", id(1), undefined, value(n), later),
      );
      expect((await Promise.all(swaps)).filter((result) => result === "done")).toHaveLength(1);
      const takes = Array.from({ length: 8 }, () => store.take("link", id(1)));
      expect((await Promise.all(takes)).filter((taken) => taken !== undefined)).toHaveLength(1);
      expect(await store.read("link", id(1))).toBeUndefined();
    });

    test("a value is kept when its buffer is used again", async () => {
      const { store } = await setUp();
      const buffer = value(7);
      await store.put("code", id(1), buffer, later);
      buffer.fill(0);
      expect(await store.read("code", id(1))).toEqual(value(7));
    });
  });
}
