/** Draws what a terminal shows as SVG: text in runs of equal style, placed by cells so that any monospaced font fits. */
import type { Terminal } from "@xterm/headless";

const cellWidth = 8.4;
const lineHeight = 19;
const padding = 14;
const titleHeight = 34;

const background = "#14181f";
const foreground = "#d5dae3";
/** The sixteen colours by their numbers; the others are not used by the app. */
const palette = [
  "#14181f",
  "#f07178",
  "#a5d56f",
  "#f2c46d",
  "#6cb3f5",
  "#c792ea",
  "#5ccfe6",
  "#d5dae3",
  "#5c6773",
  "#f07178",
  "#a5d56f",
  "#f2c46d",
  "#6cb3f5",
  "#c792ea",
  "#5ccfe6",
  "#ffffff",
];

interface Style {
  readonly fill: string;
  readonly back: string | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
}

interface Run {
  readonly column: number;
  cells: number;
  text: string;
  readonly style: Style;
}

type Cell = NonNullable<
  ReturnType<NonNullable<ReturnType<Terminal["buffer"]["active"]["getLine"]>>["getCell"]>
>;

function styleOf(cell: Cell): Style {
  const own = cell.isFgPalette() ? (palette[cell.getFgColor()] ?? foreground) : foreground;
  const under = cell.isBgPalette() ? palette[cell.getBgColor()] : undefined;
  const inverse = cell.isInverse() !== 0;
  return {
    fill: inverse ? (under ?? background) : own,
    back: inverse ? own : under,
    bold: cell.isBold() !== 0,
    dim: cell.isDim() !== 0,
  };
}

function runsOf(terminal: Terminal, row: number): readonly Run[] {
  const line = terminal.buffer.active.getLine(terminal.buffer.active.viewportY + row);
  const runs: Run[] = [];
  for (let column = 0; column < terminal.cols; column++) {
    const cell = line?.getCell(column);
    // A wide character takes two cells; the second holds nothing.
    if (cell === undefined || cell.getWidth() === 0) continue;
    const style = styleOf(cell);
    const text = cell.getChars() === "" ? " " : cell.getChars();
    const last = runs.at(-1);
    if (last !== undefined && sameStyle(last.style, style) && cell.getWidth() === 1) {
      last.text += text;
      last.cells += 1;
    } else {
      runs.push({ column, cells: cell.getWidth(), text, style });
    }
  }
  return runs;
}

const sameStyle = (a: Style, b: Style): boolean =>
  a.fill === b.fill && a.back === b.back && a.bold === b.bold && a.dim === b.dim;

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const round = (value: number): string => String(Math.round(value * 100) / 100);

/** The visible screen as an SVG document. @param title for the window and for screen readers. */
export function renderSvg(terminal: Terminal, title: string): string {
  const width = terminal.cols * cellWidth + 2 * padding;
  const height = terminal.rows * lineHeight + titleHeight + padding;
  const parts: string[] = [];
  for (let row = 0; row < terminal.rows; row++) {
    for (const run of runsOf(terminal, row)) parts.push(...renderRun(run, row));
  }
  const { cursorX, cursorY } = terminal.buffer.active;
  const cursor = `<rect x="${round(padding + cursorX * cellWidth)}" y="${titleHeight + cursorY * lineHeight + 1}" width="2" height="${lineHeight - 2}" fill="${foreground}"/>`;
  const dots = ["#f07178", "#f2c46d", "#a5d56f"]
    .map((fill, index) => `<circle cx="${20 + 18 * index}" cy="17" r="5.5" fill="${fill}"/>`)
    .join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${height}" width="${round(width)}" height="${height}" role="img" aria-label="${escapeXml(title)}">
<title>${escapeXml(title)}</title>
<rect width="100%" height="100%" rx="9" fill="${background}"/>
${dots}
<g font-family="ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', Consolas, monospace" font-size="14" xml:space="preserve">
<text x="${round(width / 2)}" y="22" text-anchor="middle" fill="#8a93a3">sotto chat</text>
${parts.join("\n")}
${cursor}
</g>
</svg>
`;
}

function renderRun({ column, cells, text, style }: Run, row: number): readonly string[] {
  const x = padding + column * cellWidth;
  const y = titleHeight + row * lineHeight;
  const drawn: string[] = [];
  if (style.back !== undefined) {
    drawn.push(
      `<rect x="${round(x)}" y="${y}" width="${round(cells * cellWidth)}" height="${lineHeight}" fill="${style.back}"/>`,
    );
  }
  const opacity = style.dim ? ' opacity="0.6"' : "";
  // Lines are drawn as lines: as characters they would leave gaps between rows.
  for (const { index } of text.matchAll(/\u2502/g)) {
    const middle = round(x + (index + 0.5) * cellWidth);
    drawn.push(`<path d="M${middle} ${y}v${lineHeight}" stroke="${style.fill}" stroke-opacity="0.5"/>`);
  }
  for (const match of text.matchAll(/\u2500+/g)) {
    const from = round(x + match.index * cellWidth);
    const across = round(match[0].length * cellWidth);
    drawn.push(
      `<path d="M${from} ${y + lineHeight / 2}h${across}" stroke="${style.fill}" stroke-opacity="0.5"/>`,
    );
  }
  for (const word of text.replaceAll(/[\u2500\u2502]/g, " ").matchAll(/\S+(?: \S+)*/g)) {
    const bold = style.bold ? ' font-weight="bold"' : "";
    const wide = cells === text.length ? word[0].length : cells;
    drawn.push(
      `<text x="${round(x + word.index * cellWidth)}" y="${y + 14}" textLength="${round(wide * cellWidth)}" fill="${style.fill}"${bold}${opacity}>${escapeXml(word[0])}</text>`,
    );
  }
  return drawn;
}
