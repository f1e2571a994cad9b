/** The app on a terminal: the alternate screen, raw mode, resizing, and giving all of it back. */
import { createElement as h } from "react";
import { render } from "ink";
import { App } from "./components/app.ts";
import type { Screen } from "./screen.ts";
import type { Theme } from "./theme.ts";

const homeAndErase = "\u001b[H\u001b[J";

/** A running app. */
export interface TerminalApp {
  /** Rejects when drawing fails. */
  readonly exited: Promise<unknown>;
  /** Restores the terminal; may be called twice. */
  stop(): Promise<void>;
}

/** Draws `screen` on the terminal until stop(). */
export function startApp(
  screen: Screen,
  theme: Theme,
  stdin: NodeJS.ReadStream,
  stdout: NodeJS.WriteStream,
): TerminalApp {
  const node = h(App, { screen, theme });
  const drawAnew = (): void => {
    app.clear();
    stdout.write(homeAndErase);
    screen.resize(stdout.columns, stdout.rows);
    app.rerender(node);
  };
  // Terminals move, cut or keep what is on the screen when their size changes: start from nothing, with the new size. Before Ink's own
  // listener, which then finds the frame drawn.
  stdout.on("resize", drawAnew);
  // Ink does this too, but after its first frame: what is typed until then must not be echoed into it.
  stdin.setRawMode(true);
  const app = render(node, {
    stdin,
    stdout,
    // Ink takes CI for a place without a terminal; who calls this has looked for one.
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
  });
  // The alternate screen leaves the cursor where the shell had it, and Ink draws its first frame from there.
  drawAnew();
  return {
    exited: app.waitUntilExit(),
    stop: async () => {
      stdout.off("resize", drawAnew);
      app.unmount();
      await app.waitUntilExit().catch(() => undefined);
      stdin.setRawMode(false);
    },
  };
}
