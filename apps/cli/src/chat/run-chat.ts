/** Runs the full-screen app until the person quits, and gives the terminal back whatever happens. */
import type { Messenger } from "@sotto/client";
import type { Io } from "../io/io.ts";
import { ChatModel } from "./model.ts";
import { Screen } from "./screen.ts";
import { startApp } from "./terminal-app.ts";
import { themeFor } from "./theme.ts";

/** Resolves when the person quits or `signal` ends it. @throws what broke the screen, after the terminal is restored. */
export async function runChat(
  messenger: Messenger,
  peer: string | undefined,
  io: Io,
  signal: AbortSignal,
): Promise<void> {
  const { stdin, stdout } = process;
  const model = new ChatModel(messenger);
  const quitting = Promise.withResolvers<void>();
  const screen = new Screen(model, stdout.columns, stdout.rows, quitting.resolve);
  const app = startApp(screen, themeFor(io.env), stdin, stdout);
  // The alternate screen would swallow what Node prints about a crash: restore the terminal first, then fail.
  process.on("uncaughtException", quitting.reject);
  process.on("unhandledRejection", quitting.reject);
  const onAbort = (): void => quitting.resolve();
  signal.addEventListener("abort", onAbort);
  try {
    if (signal.aborted) onAbort();
    await model.start(peer);
    await Promise.race([quitting.promise, app.exited]);
  } finally {
    await app.stop();
    screen.stop();
    model.stop();
    signal.removeEventListener("abort", onAbort);
    process.off("uncaughtException", quitting.reject);
    process.off("unhandledRejection", quitting.reject);
  }
}
