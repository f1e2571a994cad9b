/** The section of the results: each measure beside its aim, and what is known of others. */
import type { Series } from "./measures.ts";

/** One line of the table. */
export interface Measured {
  readonly what: string;
  readonly aim: number | undefined;
  readonly values: Series;
  /** ms unless something else. */
  readonly unit?: string;
}

const sorted = (values: Series): readonly number[] => values.toSorted((a, b) => a - b);

/** The value in the middle. */
export const median = (values: Series): number => sorted(values)[Math.floor(values.length / 2)] ?? Number.NaN;

const told = (value: number): string =>
  value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });

/** A table in Markdown. */
export function table(rows: readonly Measured[]): string {
  const lines = rows.map(({ what, aim, values, unit = "ms" }) => {
    const all = sorted(values);
    const middle = median(values);
    const spread =
      all.length > 1 ? `${told(middle)} (${told(all[0] ?? 0)}–${told(all.at(-1) ?? 0)})` : told(middle);
    const verdict = aim === undefined ? "" : middle <= aim ? "reached" : "missed";
    const aimed = aim === undefined ? "" : `${told(aim)} ${unit}`;
    return `| ${what} | ${aimed} | ${spread} ${unit} | ${verdict} |`;
  });
  return ["| | aim | measured | |", "| --- | ---: | ---: | --- |", ...lines].join("\n");
}

/** How many frames of 60 a second a run of frame times left out, in per cent. */
export function dropped(frames: Series): number {
  const due = frames.map((time) => Math.max(1, Math.round(time / (1000 / 60))));
  const all = due.reduce((a, b) => a + b, 0);
  return (100 * (all - frames.length)) / all;
}

/** Of Element Web and Wire, from their own documents. */
export const OTHERS = `Neither Element Web nor Wire publishes figures for these measures, so none stand beside them. What their own pages say of search:
Element's index of encrypted rooms (Seshat) is [a native module of the desktop app](https://github.com/element-hq/element-desktop/blob/develop/docs/native-node-modules.md), which browsers cannot load;
Wire's [web app](https://github.com/wireapp/wire-webapp/pull/21623) reads and scans all messages of one conversation for each query, and holds a query back until typing pauses.`;
