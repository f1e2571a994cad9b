/**
 * A tab's worker among the others: it leads and carries out the calls of all, or hands its page's calls to whoever leads. Calls under way
 * when the leader goes are repeated with the next one where that does no harm, and fail with `vault_locked` otherwise.
 */
import { problemOf, startHost, type Host } from "./host.ts";
import { runForLeadership } from "./leadership.ts";
import type { Answer, BetweenTabs, Call, EngineEvent, EngineState, ToPage } from "./messages.ts";

/** A tab's worker, for its page. */
export interface Tab {
  call(call: Call): void;
  leave(): void;
}

/** Joins the tabs that use the vault of that name. */
export function joinTabs(name: string, toPage: (message: ToPage) => void): Tab {
  const id = crypto.randomUUID();
  const channel = new BroadcastChannel(`${name}/tabs`);
  const pending = new Map<number, { readonly call: Call; placed: boolean }>();
  /** The vault's key, as the leader told it. */
  let key: Uint8Array | undefined;
  let host: Host | undefined;
  let leader: string | undefined;

  const say = (message: BetweenTabs): void => channel.postMessage(message);
  const show = (event: EngineEvent): void => toPage({ type: "event", event });
  const beat = (): void => {
    if (host !== undefined) say({ type: "beat", leader: id, state: host.state, key: host.key });
  };

  const settle = (answer: Answer): void => {
    if (pending.delete(answer.id)) toPage(answer);
  };
  const place = (waiting: { readonly call: Call; placed: boolean }): void => {
    const { call } = waiting;
    if (host !== undefined) void host.call(call).then(settle);
    else if (leader !== undefined && leader !== id) say({ type: "call", from: id, to: leader, call });
    else return;
    waiting.placed = true;
  };
  /** Another leads: what the one before did not answer is repeated, or given up. */
  const replace = (): void => {
    for (const waiting of pending.values()) {
      const { call, placed } = waiting;
      if (!placed || call.repeatable) place(waiting);
      else settle({ type: "answer", id: call.id, problem: interrupted });
    }
  };

  const follow = (next: string, state: EngineState): void => {
    if (leader === next) return;
    leader = next;
    show({ type: "state", term: next, state });
    replace();
  };

  const candidate = runForLeadership(name, {
    beat,
    async lead(ended) {
      const robbed = new Promise<void>((resolve) => ended.addEventListener("abort", () => resolve()));
      const tell = (event: EngineEvent): void => {
        if (ended.aborted) return;
        show(event);
        say({ type: "event", leader: id, event });
      };
      try {
        const started = await startHost(name, id, key, {
          tell,
          keyChanged(changed) {
            key = changed?.slice();
            queueMicrotask(beat);
          },
        });
        if (!ended.aborted) {
          host = started;
          leader = id;
          beat();
          replace();
          await robbed;
        }
        host = undefined;
        await started.close();
      } catch (cause) {
        tell({ type: "state", term: id, state: { phase: "failed", code: problemOf(cause).code } });
        await robbed;
      }
      leader = undefined;
    },
  });

  channel.addEventListener("message", ({ data }: MessageEvent<BetweenTabs>) => {
    switch (data.type) {
      case "hello":
        return beat();
      case "beat":
        if (host !== undefined) return;
        candidate.heard();
        key = data.key;
        return follow(data.leader, data.state);
      case "event":
        if (data.leader !== leader) return;
        candidate.heard();
        return show(data.event);
      case "call":
        if (data.to !== id || host === undefined) return;
        void host.call(data.call).then((answer) => say({ type: "answer", to: data.from, answer }));
        return;
      case "answer":
        if (data.to === id) settle(data.answer);
    }
  });
  // What it says must be heard by whoever leads already: without an answer, the beat comes by itself.
  say({ type: "hello", from: id });

  return {
    call(call) {
      const waiting = { call, placed: false };
      pending.set(call.id, waiting);
      place(waiting);
    },
    leave() {
      candidate.leave();
      channel.close();
    },
  };
}

const interrupted = {
  code: "vault_locked",
  message: "the tab that did the work went away: look whether it is done before you repeat it",
} as const;
