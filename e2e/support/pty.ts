/** A terminal for tests: a program runs in a pseudo-terminal, and what it writes is kept as a real terminal would show it. */
import { spawn, type IPty } from "@lydell/node-pty";
import xterm from "@xterm/headless";

/** What the terminal starts. */
export interface PtyOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly columns?: number;
  readonly rows?: number;
}

/** A program in a terminal. */
export class PtyTerminal {
  readonly screen: InstanceType<typeof xterm.Terminal>;
  readonly exited: Promise<number>;
  /** Everything that was written, escape sequences too. */
  raw = "";
  readonly #pty: IPty;
  #exitCode: number | undefined;

  constructor(options: PtyOptions) {
    const { columns = 80, rows = 24 } = options;
    this.screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1000 });
    this.#pty = spawn(options.file, [...options.args], {
      name: "xterm-256color",
      cols: columns,
      rows,
      cwd: options.cwd ?? process.cwd(),
      env: { ...options.env, TERM: "xterm-256color" },
    });
    this.#pty.onData((data) => {
      this.raw += data;
      this.screen.write(data);
    });
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        this.#exitCode = exitCode;
        resolve(exitCode);
      });
    });
  }

  /** The rows that are visible now, without spaces at their ends. */
  rows(): readonly string[] {
    const { active } = this.screen.buffer;
    return Array.from(
      { length: this.screen.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? "",
    );
  }

  text(): string {
    return this.rows().join("\n");
  }

  /** Whether the program is on the alternate screen. */
  get alternate(): boolean {
    return this.screen.buffer.active.type === "alternate";
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  /** Waits until the screen shows the pattern. @throws Error with the screen when it does not in time. */
  async waitFor(pattern: RegExp | string, timeoutMs = 15_000): Promise<string> {
    const found = (text: string): boolean =>
      typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
    await this.waitUntil(() => found(this.text()), timeoutMs, String(pattern));
    return this.text();
  }

  async waitUntil(condition: () => boolean, timeoutMs = 15_000, what = "the condition"): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (Date.now() > deadline) {
        const ended = this.#exitCode === undefined ? "" : ` (the program ended with ${this.#exitCode})`;
        throw new Error(`waited ${timeoutMs} ms for ${what}${ended}; the screen:\n${this.text()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal = "SIGKILL"): void {
    if (this.#exitCode === undefined) this.#pty.kill(signal);
  }
}
