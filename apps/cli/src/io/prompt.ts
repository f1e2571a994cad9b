/**
 * Asks a person at a terminal. Questions go to standard error, so that results can be piped on. Secrets are read in raw mode
 * and never shown. Whoever calls must have checked `canAsk`.
 */
import { createInterface } from "node:readline";
import { Interrupted } from "../errors.ts";
import type { Io } from "./io.ts";
import { sanitiseLine } from "@sotto/client/readable";

/** Asks for a line; what is typed is shown. @throws Interrupted on Ctrl+C or Ctrl+D. */
export function ask(io: Io, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = createInterface({ input: io.stdin, output: io.stderr, terminal: true, historySize: 0 });
    let answer: string | undefined;
    reader.on("SIGINT", () => reader.close());
    reader.on("close", () => {
      if (answer !== undefined) return resolve(answer.trim());
      io.stderr.write("\n");
      reject(new Interrupted("SIGINT"));
    });
    reader.question(`${sanitiseLine(question)} `, (line) => {
      answer = line;
      reader.close();
    });
  });
}

/** Asks for yes or no; anything but a yes is a no. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test(await ask(io, `${question} [y/N]`));
}

/** Asks for a secret; nothing of it is shown. @throws Interrupted on Ctrl+C, or Ctrl+D on an empty line. */
export function askSecret(io: Io, question: string): Promise<string> {
  const { stdin, stderr } = io;
  stderr.write(`${sanitiseLine(question)} `);
  stdin.setRawMode?.(true);
  stdin.setEncoding("utf8");
  return new Promise((resolve, reject) => {
    let typed = "";
    const finish = (settle: () => void): void => {
      stdin.off("data", onData);
      stdin.setRawMode?.(false);
      stdin.pause();
      stderr.write("\n");
      settle();
    };
    const onData = (chunk: string | Buffer): void => {
      // Arrow and function keys come as escape sequences: they are no part of a secret.
      // oxlint-disable-next-line no-control-regex
      const text = String(chunk).replaceAll(/\u001b(?:\[[0-9;~]*[A-Za-z~]|O[A-Za-z])/g, "");
      let rest = text;
      for (const character of text) {
        rest = rest.slice(character.length);
        if (character === "\r" || character === "\n") {
          // What was typed ahead answers the next question.
          if (rest !== "") stdin.unshift(rest, "utf8");
          return finish(() => resolve(typed));
        }
        if (character === "\u0003" || (character === "\u0004" && typed === "")) {
          return finish(() => reject(new Interrupted("SIGINT")));
        }
        if (character === "\u007f" || character === "\b") typed = Array.from(typed).slice(0, -1).join("");
        else if (character === "\u0015") typed = "";
        else if (character >= " ") typed += character;
      }
    };
    stdin.on("data", onData);
    stdin.resume();
  });
}
