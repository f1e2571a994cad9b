/** Reading the values of command lines. */

/** A whole number. @throws Error for what is none, or is less than the least. */
export function whole(text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`"${text}" is no number of at least ${least}`);
  return value;
}

/** Makes a function that takes the names that are known. @throws Error, in that function, for any other. */
export function oneOf<T extends string>(what: string, known: readonly T[]): (name: string) => T {
  return (name) => {
    const found = known.find((each) => each === name);
    if (found === undefined) throw new Error(`no ${what} ${name}`);
    return found;
  };
}
