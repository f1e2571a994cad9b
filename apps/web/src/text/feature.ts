/** The words of a part of the app that is fetched when it is opened: they come with it, in all languages, and cost nothing before. */
import { useLanguage, type Language, type Translated } from "./index.tsx";

/** Makes the hook that gives a part its words. `en` is what the others translate. */
export function featureText<T>(
  texts: { readonly en: T } & Readonly<Record<Language, Translated<T>>>,
): () => Translated<T> {
  return () => texts[useLanguage().language];
}
