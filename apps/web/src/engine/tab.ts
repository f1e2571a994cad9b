/**
 * A tab's worker among the others: it leads and carries out the calls of all, or hands its page's calls to whoever leads. Calls under way
 * when the leader goes are repeated with the next one where that does no harm, and fail with `vault_locked` otherwise.
 */
import { loadMessenger, problemOf, startHost, type Host } from "./host.ts";
import { runForLeadership } from "./leadership.ts";
import type { Answer, BetweenTabs, Call, EngineEvent, EngineState, ToPage } from "./messages.ts";

/** A tab's worker, for its page. */
export interface Tab {
  call(call: Call): void;
  leave(): void;
}

/** A call that was not answered yet. */
interface Waiting {
  readonly call: Call;
  /** The leader that was asked. */
  at: string | undefined;
}

/** Joins the tabs that use the vault of that name. @param program names the version of the program: tabs of another are not followed. */
export function joinTabs(name: string, program: string, toPage: (message: ToPage) => void): Tab {
  const id = crypto.randomUUID();
  const channel = new BroadcastChannel(`${name}/tabs`);
  const pending = new Map<number, Waiting>();
  /** The vault's key, as the leader told it. */
  let key: Uint8Array | undefined;
  let host: Host | undefined;
  let leader: string | undefined;
  /** A leader of another version, that is waited for. */
  let foreign: string | undefined;

  const say = (message: BetweenTabs): void => channel.postMessage(message);
  const show = (event: EngineEvent): void => toPage({ type: "event", event });
  const beat = (): void => {
    if (host !== undefined) say({ type: "beat", leader: id, program, state: host.state, key: host.key });
  };

  const settle = (answer: Answer, from: string): void => {
    const waiting = pending.get(answer.id);
    if (waiting === undefined || waiting.at !== from) return;
    // Who answers so was replaced without knowing it, and did nothing: the next leader is asked.
    const undone = "problem" in answer && answer.problem.code === "vault_locked";
    if (undone && waiting.call.repeatable) {
      waiting.at = undefined;
      if (leader !== undefined && leader !== from) place(waiting);
      return;
    }
    pending.delete(answer.id);
    toPage(answer);
  };
  const place = (waiting: Waiting): void => {
    const { call } = waiting;
    if (host !== undefined) {
      waiting.at = id;
      void host.call(call).then((answer) => settle(answer, id));
    } else if (leader !== undefined && leader !== id) {
      waiting.at = leader;
      say({ type: "call", from: id, to: leader, call });
    }
  };
  /** Another leads: what the one before did not answer is repeated, or given up. */
  const replace = (): void => {
    for (const waiting of pending.values()) {
      const { call, at } = waiting;
      if (at === undefined || call.repeatable) place(waiting);
      else settle({ type: "answer", id: call.id, problem: interrupted }, at);
    }
  };

  const follow = (next: string, state: EngineState): void => {
    if (leader === next) return;
    leader = next;
    // This tab may lead next, at once.
    void loadMessenger().catch(() => undefined);
    show({ type: "state", term: next, state });
    replace();
  };

  /** Waits until another version's leader goes: its page asks to be loaded anew. */
  const waitFor = (other: string): void => {
    if (leader === undefined && foreign === other) return;
    leader = undefined;
    foreign = other;
    show({ type: "state", term: other, state: { phase: "other-version" } });
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
        // Whoever leads now is heard at once, however long the closing takes.
        leader = undefined;
        await started.close();
      } catch (cause) {
        tell({ type: "state", term: id, state: { phase: "failed", code: problemOf(cause).code } });
        await robbed;
        leader = undefined;
      }
    },
  });

  channel.addEventListener("message", ({ data }: MessageEvent<BetweenTabs>) => {
    switch (data.type) {
      case "hello":
        if (data.program !== program) show({ type: "outdated" });
        return beat();
      case "beat":
        if (host !== undefined) return;
        candidate.heard();
        if (data.program !== program) return waitFor(data.leader);
        key = data.key;
        return follow(data.leader, data.state);
      case "event":
        if (data.leader !== leader) return;
        candidate.heard();
        return show(data.event);
      case "call":
        if (data.to !== id || host === undefined) return;
        void host.call(data.call).then((answer) => say({ type: "answer", from: id, to: data.from, answer }));
        return;
      case "answer":
        if (data.to === id) settle(data.answer, data.from);
    }
  });
  // What it says must be heard by whoever leads already: without an answer, the beat comes by itself.
  say({ type: "hello", from: id, program });

  return {
    call(call) {
      const waiting = { call, at: undefined };
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
