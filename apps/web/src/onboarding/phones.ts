/** What the page knows of phone numbers: libphonenumber's smallest tables, fetched when a number is typed. */
import {
  AsYouType,
  getCountries,
  getCountryCallingCode,
  parsePhoneNumberFromString,
  type CountryCode,
} from "libphonenumber-js/min";

export type { CountryCode } from "libphonenumber-js/min";

/** A country that can be picked. */
interface Country {
  readonly code: CountryCode;
  readonly name: string;
  /** Such as "+49". */
  readonly calling: string;
  readonly flag: string;
}

/** All countries, by name. */
function countriesIn(language: string): readonly Country[] {
  const names = new Intl.DisplayNames([language], { type: "region" });
  const { compare } = new Intl.Collator(language);
  return getCountries()
    .map((code) => ({
      code,
      name: names.of(code) ?? code,
      calling: `+${getCountryCallingCode(code)}`,
      flag: flagOf(code),
    }))
    .toSorted((a, b) => compare(a.name, b.name));
}

const flagOf = (code: string): string =>
  String.fromCodePoint(...[...code].map((letter) => 0x1_f1_e6 + letter.charCodeAt(0) - 65));

/** Where the person most likely is, by what the browser says of its languages. */
function likelyCountry(): CountryCode {
  const known = new Set<string>(getCountries());
  for (const tag of navigator.languages) {
    const { region } = new Intl.Locale(tag);
    if (region !== undefined && known.has(region)) return region as CountryCode;
  }
  const { region } = new Intl.Locale(navigator.language).maximize();
  return region !== undefined && known.has(region) ? (region as CountryCode) : "US";
}

/**
 * What was typed so far, with its usual spaces; and the country that it names, if it begins with +. With anything in it that no number has
 * it stays as it is: it may become an address.
 */
function formatTyped(
  typed: string,
  country: CountryCode,
): { readonly text: string; readonly country: CountryCode | undefined } {
  if (/[^\d\s+()./-]/.test(typed)) return { text: typed, country: undefined };
  const format = new AsYouType(country);
  const text = format.input(typed);
  return { text, country: typed.trim().startsWith("+") ? format.getCountry() : undefined };
}

/** E.164; undefined when it cannot be a number. */
function parseTyped(typed: string, country: CountryCode): string | undefined {
  const parsed = parsePhoneNumberFromString(typed, { defaultCountry: country, extract: false });
  return parsed?.isPossible() === true ? parsed.number : undefined;
}

/** A number as people read it. */
const formatNumber = (e164: string): string =>
  parsePhoneNumberFromString(e164)?.formatInternational() ?? e164;

/** All of it, for who fetches it. */
export const phones = { countriesIn, likelyCountry, formatTyped, parseTyped, formatNumber };
/** What the page knows of phone numbers. */
export type Phones = typeof phones;
