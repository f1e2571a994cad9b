/** How the demo speaks: chapters, commands with what they print, and checks that must hold. */

const colour = process.stdout.isTTY === true && !process.env["NO_COLOR"];
const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

let chapters = 0;

/** Begins a chapter. */
export function chapter(title: string): void {
  chapters += 1;
  console.log(`\n${paint(1, `${chapters}. ${title}`)}\n`);
}

/** A sentence or two for the reader. */
export function say(text: string): void {
  console.log(text);
}

/** A command as somebody types it, and what it printed. */
export function showCommand(who: string, args: readonly string[], output: string): void {
  const words = args.map((word) => (/^[\w+@./:=-]+$/.test(word) ? word : `"${word}"`));
  console.log(`  ${paint(36, `${who} $`)} sotto ${words.join(" ")}`);
  for (const line of output.trimEnd().split("\n")) if (line !== "") console.log(`    ${line}`);
}

/** A list of facts, indented. */
export function showFacts(facts: readonly (readonly [string, string])[]): void {
  const wide = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) console.log(`    ${paint(2, name.padEnd(wide))}  ${value}`);
}

/** Says that something holds. @throws Error when it does not: then the demo has failed. */
export function hold(what: string, condition: boolean): void {
  if (!condition) throw new Error(`this should hold, and does not: ${what}`);
  console.log(`  ${paint(32, "\u2713")} ${what}`);
}
