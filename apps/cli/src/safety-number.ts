/** How a safety number is shown: in rows that are easy to read to each other. */

/** The groups of a safety number, four a row. */
export function safetyNumberRows(safetyNumber: string): readonly string[] {
  const groups = safetyNumber.split(/\s+/);
  return [0, 4, 8].map((start) => groups.slice(start, start + 4).join(" "));
}
