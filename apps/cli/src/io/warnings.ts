/**
 * node:sqlite is the storage that we chose and measured; Node 24 still calls it experimental, and would say so to
 * every user at every command. Only that one warning is kept quiet.
 */

/** Drops Node's warning that SQLite is experimental; every other warning passes. To be called before node:sqlite is loaded. */
export function quietExperimentalSqlite(): void {
  const emitWarning = process.emitWarning.bind(process) as (...rest: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (typeof warning === "string" && warning.startsWith("SQLite is an experimental feature")) return;
    emitWarning(warning, ...rest);
  };
}
