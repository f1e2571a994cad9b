/** Turns SIGINT, SIGTERM and SIGHUP into one AbortSignal, so that commands can close the vault and leave things whole. */
import { Interrupted } from "../errors.ts";

/** The signal of a running command. */
export interface SignalWatch {
  /** Aborted with an Interrupted. */
  readonly signal: AbortSignal;
  dispose(): void;
}

/** Starts to watch. The second signal ends the process at once, should a command hang. */
export function watchSignals(): SignalWatch {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const handlers = names.map((name) => {
    const handler = (): void => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Interrupted(name));
    };
    process.on(name, handler);
    return { name, handler };
  });
  return {
    signal: controller.signal,
    dispose: () => {
      for (const { name, handler } of handlers) process.off(name, handler);
    },
  };
}

/** For commands that handle signals themselves. */
export const ignoreSignals = (): SignalWatch => ({
  signal: new AbortController().signal,
  dispose: () => undefined,
});
