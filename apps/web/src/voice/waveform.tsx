/** How loud a recording is over its time, as bars; flat where nothing is known. */
import type { ReactNode } from "react";

const barCount = 40;
const heightPx = 28;
const stepPx = 4;

/** @param loudness 0 to 255 each. @param part of it was played, 0 to 1. */
export function Waveform({
  loudness = new Uint8Array(),
  part,
}: {
  readonly loudness?: Uint8Array | undefined;
  readonly part: number;
}): ReactNode {
  const bars = Array.from({ length: barCount }, (_, bar) => {
    const value = loudness[Math.floor((bar * loudness.length) / barCount)] ?? 0;
    return 3 + (value / 255) * (heightPx - 4);
  });
  return (
    <svg
      className="waveform"
      viewBox={`0 0 ${barCount * stepPx} ${heightPx}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {bars.map((height, bar) => (
        <rect
          // Bars never move.
          // oxlint-disable-next-line react/no-array-index-key
          key={bar}
          className={bar < part * barCount ? "waveform__played" : ""}
          x={bar * stepPx + 1}
          y={(heightPx - height) / 2}
          width={2}
          height={height}
          rx={1}
        />
      ))}
    </svg>
  );
}

/** Loudness of any number of moments, as a message carries it. @param most how many bytes. */
export function condensed(levels: readonly number[], most: number): Uint8Array {
  const count = Math.min(most, levels.length);
  const highest = Math.max(0.05, ...levels);
  return Uint8Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * levels.length) / count);
    const to = Math.max(from + 1, Math.floor(((i + 1) * levels.length) / count));
    return Math.round((Math.max(...levels.slice(from, to)) / highest) * 255);
  });
}
