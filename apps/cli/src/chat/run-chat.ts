/** Runs the full-screen app on the terminal, and gives the terminal back whatever happens. */
import { createElement as h } from "react";
import { render } from "ink";
import type { Messenger } from "@sotto/client";
import type { Io } from "../io/io.ts";
import { App } from "./components/app.ts";
import { ChatModel } from "./model.ts";
import { Screen } from "./screen.ts";
import { themeFor } from "./theme.ts";

/** Resolves when the person quits or `signal` ends it. @throws what broke the screen, after the terminal is restored. */
export async function runChat(
  messenger: Messenger,
  peer: string | undefined,
  io: Io,
  signal: AbortSignal,
): Promise<void> {
  const model = new ChatModel(messenger);
  const quitting = Promise.withResolvers<void>();
  const { columns, rows } = process.stdout;
  const screen = new Screen(model, columns, rows, quitting.resolve);
  const onResize = (): void => screen.resize(process.stdout.columns, process.stdout.rows);
  // Before Ink's own listener, so that its next frame has the new size already.
  process.stdout.on("resize", onResize);
  const app = render(h(App, { screen, theme: themeFor(io.env) }), {
    // Ink takes CI for a place without a terminal; chatCommand() has looked for one.
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
  });
  // The alternate screen would swallow what Node prints about a crash: restore the terminal first, then fail.
  process.on("uncaughtException", quitting.reject);
  process.on("unhandledRejection", quitting.reject);
  const onAbort = (): void => quitting.resolve();
  signal.addEventListener("abort", onAbort);
  try {
    if (signal.aborted) onAbort();
    await model.start(peer);
    await Promise.race([quitting.promise, app.waitUntilExit()]);
  } finally {
    app.unmount();
    await app.waitUntilExit().catch(() => undefined);
    model.stop();
    process.stdout.off("resize", onResize);
    signal.removeEventListener("abort", onAbort);
    process.off("uncaughtException", quitting.reject);
    process.off("unhandledRejection", quitting.reject);
  }
}
