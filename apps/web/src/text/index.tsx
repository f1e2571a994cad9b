/** All words of the app, in one catalogue per language. English comes with the app, others are fetched when they are chosen. */
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from "react";
import { en } from "./en/index.ts";

/** The words of a language. */
export type Catalogue = Translated<typeof en>;
/** The same words in another language. */
export type Translated<T> = {
  readonly [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends readonly string[]
      ? readonly string[]
      : T[K] extends (...args: infer A) => string
        ? (...args: A) => string
        : Translated<T[K]>;
};

/** Languages that are complete. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
/** A language of the app. */
export type Language = keyof typeof LANGUAGES;

const storageKey = "sotto.language";
const rightToLeft = new Set(["ar", "fa", "he", "ur"]);
const loaders: Readonly<Record<Exclude<Language, "en">, () => Promise<Catalogue>>> = {
  de: async () => (await import("./de/index.ts")).de,
};

interface TextContext {
  readonly t: Catalogue;
  readonly language: Language;
  choose(language: Language): void;
}

const Context = createContext<TextContext>({ t: en, language: "en", choose: () => {} });

function wanted(): Language {
  const chosen = localStorage.getItem(storageKey) ?? "";
  const all = [chosen, ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return (all.find((tag) => Object.hasOwn(LANGUAGES, tag)) as Language | undefined) ?? "en";
}

/** Gives the app its words. */
export function TextProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState(wanted);
  const [loaded, setLoaded] = useState<{ readonly language: Language; readonly t: Catalogue }>({
    language: "en",
    t: en,
  });
  useEffect(() => {
    if (language === "en") {
      setLoaded({ language, t: en });
      return;
    }
    let current = true;
    loaders[language]().then(
      (t) => current && setLoaded({ language, t }),
      // Offline, and never fetched: English is there.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [language]);
  useEffect(() => {
    document.documentElement.lang = loaded.language;
    document.documentElement.dir = rightToLeft.has(loaded.language) ? "rtl" : "ltr";
  }, [loaded.language]);
  const value = useMemo(
    () => ({
      ...loaded,
      choose(next: Language) {
        localStorage.setItem(storageKey, next);
        setLanguage(next);
      },
    }),
    [loaded],
  );
  return <Context value={value}>{children}</Context>;
}

/** How times and numbers are written: as in the person's country, if the browser tells it of this language. */
export const localeOf = (language: string): string =>
  navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

/** The words in the person's language. */
export const useText = (): Catalogue => use(Context).t;
/** The language, and choosing another. */
export const useLanguage = (): Omit<TextContext, "t"> => use(Context);
