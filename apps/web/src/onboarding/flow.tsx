/** Where somebody stands in the first steps, and the moves between them. The browser's own back goes back a step. */
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { firstSteps } from "../app/first-steps.ts";
import { useEngine, useEngineState } from "../app/context.tsx";
import { canUnlockByPasskey } from "../passkey/ceremony.ts";
import {
  AFTER,
  NOTHING,
  STEPS,
  forget,
  recall,
  remember,
  resetTimes,
  setResetTimes,
  type Path,
  type Saved,
  type StepName,
} from "./steps.ts";

/** A backup file, and what opens it. */
interface ChosenBackup {
  readonly file: File;
  readonly passphrase: string;
  /** The account's other devices are lost. */
  readonly othersLost: boolean;
}

/** What is never stored. */
interface Secrets {
  readonly passphrase: string;
  /** As it was typed, to come back. */
  readonly typedKey: string;
  /** A backup file that was opened. */
  readonly backup: ChosenBackup | undefined;
  /** The new account's, to be kept. */
  readonly recoveryKey: string | undefined;
}

/** The first steps under way. */
export interface Flow {
  readonly saved: Saved;
  readonly secrets: Secrets;
  /** An earlier try made a vault, and its passphrase was typed: it is not asked for again. */
  readonly resumed: boolean;
  /** Parts of a linked device's history that have come, and how many there are. */
  readonly history: { readonly taken: number; readonly parts: number } | undefined;
  /** 1-based, of `count`; undefined where there is no order. */
  readonly place: { readonly at: number; readonly count: number } | undefined;
  set(changes: Partial<Saved>): void;
  setSecrets(changes: Partial<Secrets>): void;
  start(path: Path): void;
  next(): void;
  to(step: StepName): void;
  back: (() => void) | undefined;
  /** Has a heading read out. */
  announce(heading: string): void;
  /** Opens the conversations. */
  finish(): Promise<void>;
}

const Context = createContext<Flow | undefined>(undefined);

/** The first steps. */
export function useFlow(): Flow {
  const flow = use(Context);
  if (flow === undefined) throw new Error("outside of the first steps");
  return flow;
}

/** What an entry of the browser's history says. */
interface Place {
  readonly path: Path;
  readonly step: StepName;
  readonly depth: number;
}

const noSecrets: Secrets = { passphrase: "", typedKey: "", backup: undefined, recoveryKey: undefined };

/** Gives the screens of the first steps their place. */
export function FlowProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const engine = useEngine();
  const { phase, ...state } = useEngineState();
  const pending = phase === "unfinished" && "identifier" in state ? state.identifier : undefined;
  const [saved, setSaved] = useState(() => begin(phase, pending));
  const [secrets, setAllSecrets] = useState(noSecrets);
  const [passkeys, setPasskeys] = useState(false);
  const [announced, announce] = useState("");
  const [history, setHistory] = useState<{ readonly taken: ReadonlySet<number>; readonly parts: number }>();
  // How far the browser's history has gone on here.
  const depth = useRef(0);

  useEffect(() => void canUnlockByPasskey().then(setPasskeys), []);
  useEffect(() => remember(saved), [saved]);
  useEffect(() => {
    return engine.subscribe((event) => {
      if (event.type === "recovery-key") {
        setAllSecrets((before) => ({ ...before, recoveryKey: event.recoveryKey }));
      } else if (event.type === "client" && event.event.type === "history") {
        const { part, parts } = event.event;
        setHistory((before) => ({ taken: new Set(before?.taken).add(part), parts }));
      }
    });
  }, [engine]);

  const place = useCallback((path: Path, step: StepName) => {
    setSaved((before) => ({ ...before, path, step }));
  }, []);
  const move = useCallback(
    (path: Path, step: StepName) => {
      depth.current += 1;
      window.history.pushState({ path, step, depth: depth.current } satisfies Place, "");
      place(path, step);
    },
    [place],
  );
  useEffect(() => {
    const moved = ({ state: at }: PopStateEvent): void => {
      if (typeof at !== "object" || at === null || !("step" in at)) return;
      const { path, step, depth: reached } = at as Place;
      depth.current = reached;
      if (!AFTER.has(saved.step) && !AFTER.has(step)) place(path, step);
    };
    const here: Place = { path: saved.path, step: saved.step, depth: depth.current };
    window.history.replaceState(here, "");
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, [saved.path, saved.step, place]);

  const { path, step } = saved;
  const resumed = phase === "unfinished";
  const steps = useMemo(
    () =>
      STEPS[path].filter(
        (name) => !((name === "passphrase" && resumed) || (name === "passkey" && !passkeys)),
      ),
    [path, resumed, passkeys],
  );
  const at = steps.indexOf(step);

  const finish = useCallback(async () => {
    await rewind(depth.current);
    depth.current = 0;
    forget();
    setResetTimes(undefined);
    if (firstSteps.keyToKeep() === "now") firstSteps.setKeyToKeep(undefined);
    firstSteps.show(false);
    // So that the browser does not throw the account away when its disk is full; it may say no.
    void navigator.storage?.persist?.();
  }, []);

  const value: Flow = {
    saved,
    secrets,
    resumed,
    history: history && { taken: history.taken.size, parts: history.parts },
    place: at === -1 ? undefined : { at: at + 1, count: steps.length },
    set: (changes) => setSaved((before) => ({ ...before, ...changes })),
    setSecrets: (changes) => setAllSecrets((before) => ({ ...before, ...changes })),
    start(next) {
      const first = STEPS[next].find((name) => !(name === "passphrase" && resumed));
      move(next, first ?? "welcome");
    },
    next() {
      const following = steps[at + 1];
      if (following === undefined) void finish();
      else move(path, following);
    },
    to: (next) => move(path, next),
    back:
      step === "welcome" || AFTER.has(step)
        ? undefined
        : () => {
            if (depth.current > 0) window.history.back();
            else place(path, steps[at - 1] ?? "welcome");
          },
    announce,
    finish,
  };
  return (
    <Context value={value}>
      {children}
      <p className="visually-hidden" role="status">
        {announced}
      </p>
    </Context>
  );
}

/** Where to begin: anew, where a reload broke in, or with what an earlier try left in the vault. */
function begin(phase: string, pending: string | undefined): Saved {
  const saved = recall();
  if (phase === "open") return { ...saved, path: "register", step: "key" };
  if (phase !== "unfinished") return saved;
  if (resetTimes() !== undefined) {
    return { ...NOTHING, path: "reset", step: "waiting", identifier: pending ?? "" };
  }
  return pending === undefined
    ? { ...NOTHING, step: "identifier" }
    : { ...NOTHING, step: "code", identifier: pending };
}

/** Goes back over what was added to the browser's history, so that its back leads out of the app again. */
async function rewind(entries: number): Promise<void> {
  if (entries <= 0) return;
  const done = new Promise<void>((resolve) => {
    addEventListener("popstate", () => resolve(), { once: true });
    setTimeout(resolve, 500);
  });
  history.go(-entries);
  await done;
}
