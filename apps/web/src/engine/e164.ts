/**
 * Takes the place of libphonenumber in the worker, where its tables would be a fifth of the app: numbers come in E.164 form already, from
 * the page, which has the library for what people type (loaded when a number is typed), or from contacts, whose numbers are believed only
 * once the directory leads from them to the same account.
 */

const form = /^\+[1-9]\d{6,14}$/;

/** A number in E.164 form, in the shape that packages/protocol expects of libphonenumber. */
export function parsePhoneNumberFromString(
  text: string,
): { readonly number: string; isPossible(): boolean } | undefined {
  const number = text.replaceAll(/[\s().-]/g, "");
  return form.test(number) ? { number, isPossible: () => true } : undefined;
}
