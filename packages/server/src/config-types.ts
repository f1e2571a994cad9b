/** The kinds of values in the configuration: each takes its own type, and the text that flags and environment give. */
import * as z from "zod";

/** Text that is not empty. */
export const text = () => z.string("must be text").min(1, "must not be empty");

/** A whole number. */
export const natural = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.preprocess(
    (value) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value),
    z.number(message).int(message).min(min, message).max(max, message),
  );
};

/** A number from 0 on, fractions allowed. */
export const amount = () => {
  const message = "must be a number from 0 on";
  return z.number(message).min(0, message);
};

const words: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  "1": true,
  false: false,
  off: false,
  no: false,
  "0": false,
};

/** Yes or no. */
export const flag = () =>
  z.preprocess(
    (value) => (typeof value === "string" ? (words[value.toLowerCase()] ?? value) : value),
    z.boolean("must be true or false"),
  );

/** Several values; text is split at white space. */
export const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (value) => (typeof value === "string" ? value.split(/\s+/).filter((part) => part !== "") : value),
    z.array(item, "must be a list"),
  );

/** An object of its own, which the environment gives as JSON. */
export const json = <Inner extends z.ZodType>(inner: Inner) =>
  z.preprocess((value) => {
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }, inner);
