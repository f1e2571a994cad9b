/** What every part of the app can reach: the engine, its state, and what a failed call means in plain words. */
import { createContext, use, useCallback, useSyncExternalStore, type ReactNode } from "react";
import type { EngineState } from "../engine/messages.ts";
import { EngineError, type EngineCalls, type EngineClient } from "../page/engine-client.ts";
import type { Conversations } from "../store/conversations.ts";
import { useText } from "../text/index.tsx";

interface AppContext {
  readonly engine: EngineClient;
  readonly conversations: Conversations;
}

const Context = createContext<AppContext | undefined>(undefined);

/** Gives the app its engine. */
export function AppProvider({
  children,
  ...value
}: AppContext & { readonly children: ReactNode }): ReactNode {
  return <Context value={value}>{children}</Context>;
}

function useApp(): AppContext {
  const app = use(Context);
  if (app === undefined) throw new Error("outside of the app");
  return app;
}

/** The engine. */
export const useEngine = (): EngineClient => useApp().engine;
/** What the engine can be asked to do. */
export const useCalls = (): EngineCalls => useApp().engine.calls;
/** The list of conversations, kept up to date. */
export const useConversations = (): Conversations => useApp().conversations;

/** Where the app stands. */
export function useEngineState(): EngineState {
  const engine = useEngine();
  return useSyncExternalStore(
    useCallback((changed) => engine.subscribe(({ type }) => type === "state" && changed()), [engine]),
    () => engine.state,
  );
}

/** Says what went wrong and what to do, in the person's language. */
export function useProblemText(): (cause: unknown) => string {
  const { errors } = useText();
  return useCallback(
    (cause) => {
      const code = cause instanceof EngineError ? cause.code : "internal";
      const texts: Readonly<Record<string, string | ((code: string) => string)>> = errors;
      const text = texts[code];
      return typeof text === "string" && code !== "other" ? text : errors.other(code);
    },
    [errors],
  );
}
