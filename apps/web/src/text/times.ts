/** Times in the person's language. */
import { localeOf, type Catalogue } from "./index.tsx";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${kind}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat(localeOf(language), options);
  formats.set(key, known);
  return known;
}

const dayOf = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** Days from that time to now, by the calendar. */
const daysAgo = (date: Date): number => Math.round((dayOf(new Date()) - dayOf(date)) / 86_400_000);

/** The time of a message within its day. @param sec since 1970-01-01 UTC. */
export const timeOfDay = (sec: number, language: string): string =>
  format(language, "time", { hour: "numeric", minute: "2-digit" }).format(sec * 1000);

/** The heading of a day. */
export function dayHeading(sec: number, language: string, t: Catalogue): string {
  const date = new Date(sec * 1000);
  const days = daysAgo(date);
  if (days === 0) return t.common.today;
  if (days === 1) return t.common.yesterday;
  if (days > 1 && days < 7) return format(language, "weekday", { weekday: "long" }).format(date);
  return format(language, "day", { day: "numeric", month: "long", year: "numeric" }).format(date);
}

/** As short as it can be: for lists. */
export function shortTime(sec: number, language: string, t: Catalogue): string {
  const date = new Date(sec * 1000);
  const days = daysAgo(date);
  if (days <= 0) return timeOfDay(sec, language);
  if (days === 1) return t.common.yesterday;
  if (days < 7) return format(language, "short weekday", { weekday: "short" }).format(date);
  return format(language, "short day", { day: "2-digit", month: "2-digit", year: "2-digit" }).format(date);
}

/** Whether two times lie on one day. */
export const sameDay = (a: number, b: number): boolean =>
  dayOf(new Date(a * 1000)) === dayOf(new Date(b * 1000));

/** Day and time. */
export const fullTime = (sec: number, language: string): string =>
  format(language, "full", { dateStyle: "medium", timeStyle: "short" }).format(sec * 1000);

const units = [
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** A time span in words, in the largest unit that it is a whole number of. */
export function duration(sec: number, language: string): string {
  const [unit, length] = units.find(([, each]) => sec % each === 0) ?? ["second", 1];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(sec / length);
}
