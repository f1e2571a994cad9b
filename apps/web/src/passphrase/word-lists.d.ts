/** Lists of words that the packages hold as files of their own, without types. */
declare module "@zxcvbn-ts/language-en/dist/wikipedia.json.mjs" {
  const words: string[];
  export default words;
}
declare module "@zxcvbn-ts/language-en/dist/firstnames.json.mjs" {
  const words: string[];
  export default words;
}
declare module "@zxcvbn-ts/language-de/dist/commonWords.json.esm.js" {
  const words: string[];
  export default words;
}
declare module "@zxcvbn-ts/language-de/dist/firstnames.json.esm.js" {
  const words: string[];
  export default words;
}
