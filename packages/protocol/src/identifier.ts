/** What a person registers with: a phone number or an e-mail address, in the one form that the server compares. */
import { parsePhoneNumberFromString, type CountryCode } from "libphonenumber-js/max";
import { utf8 } from "./bytes.ts";
import { UsageError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

declare const brand: unique symbol;
/** A phone number in E.164 form, or an e-mail address in lower case. */
export type Identifier = string & { readonly [brand]: "Identifier" };

// Deliberately narrow (RFC 5321 dot-atom local part, a domain with a dot): delivery proves the rest.
const emailPattern =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/**
 * Normalises what a person typed: "+1 (555) 123-0001" → "+15551230001", "Ann@Example.org" → "ann@example.org".
 * Numbers reserved for fiction (+1 555 …) are taken too: only their form is checked.
 * @param country two-letter code for numbers typed without "+".
 * @throws UsageError `identifier_invalid`.
 */
export function parseIdentifier(text: string, country?: CountryCode): Identifier {
  const trimmed = text.trim();
  if (trimmed.length === 0 || utf8(trimmed).length > LIMITS.maxIdentifierBytes) throw invalid();
  if (trimmed.includes("@")) {
    const lower = trimmed.toLowerCase();
    if (!emailPattern.test(lower)) throw invalid();
    return lower as Identifier;
  }
  const phone = parsePhoneNumberFromString(trimmed, {
    ...(country && { defaultCountry: country }),
    extract: false,
  });
  if (phone === undefined || !phone.isPossible()) throw invalid();
  // The library reads some misspelt prefixes into numbers that it would itself read differently: they have no one form.
  if (parsePhoneNumberFromString(phone.number, { extract: false })?.number !== phone.number) throw invalid();
  return phone.number as string as Identifier;
}

/** Which kind an identifier is. */
export function identifierKind(identifier: Identifier): "phone" | "email" {
  return identifier.startsWith("+") ? "phone" : "email";
}

function invalid(): UsageError {
  return new UsageError(
    "identifier_invalid",
    "neither a phone number in international form (+15551230001) nor an e-mail address",
  );
}
