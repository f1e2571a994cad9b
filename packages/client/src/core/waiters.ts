/** Promises that callers hold while something has yet to happen. They outlive connections and recoveries. */

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** Groups of waiting callers, by what they wait for. */
export interface Waiters {
  /** A promise that settles with the group, or rejects with the signal's reason. */
  wait(group: string, signal?: AbortSignal): Promise<void>;
  has(group: string): boolean;
  resolve(group: string): void;
  reject(group: string, cause: unknown): void;
  rejectAll(cause: unknown): void;
}

/** Makes an empty set of waiters. */
export function newWaiters(): Waiters {
  const groups = new Map<string, Set<Waiter>>();
  const take = (group: string): Iterable<Waiter> => {
    const waiting = groups.get(group) ?? [];
    groups.delete(group);
    return waiting;
  };
  return {
    wait(group, signal) {
      return new Promise<void>((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason);
        const waiting = groups.get(group) ?? new Set();
        groups.set(group, waiting);
        const abort = (): void => {
          waiting.delete(waiter);
          reject(signal?.reason);
        };
        const waiter: Waiter = {
          resolve: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
          reject: (cause) => {
            signal?.removeEventListener("abort", abort);
            reject(cause);
          },
        };
        waiting.add(waiter);
        signal?.addEventListener("abort", abort, { once: true });
      });
    },
    has: (group) => (groups.get(group)?.size ?? 0) > 0,
    resolve(group) {
      for (const waiter of take(group)) waiter.resolve();
    },
    reject(group, cause) {
      for (const waiter of take(group)) waiter.reject(cause);
    },
    rejectAll(cause) {
      for (const group of groups.keys()) for (const waiter of take(group)) waiter.reject(cause);
    },
  };
}
