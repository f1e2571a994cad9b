/**
 * How long a passphrase withstands guessing, by zxcvbn: it knows common passwords, words, names, keyboard patterns and dates. Loaded when
 * a passphrase is chosen, since its lists are larger than the whole app.
 */
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary } from "@zxcvbn-ts/language-common";
import germanWords from "@zxcvbn-ts/language-de/dist/commonWords.json.esm.js";
import germanNames from "@zxcvbn-ts/language-de/dist/firstnames.json.esm.js";
import englishNames from "@zxcvbn-ts/language-en/dist/firstnames.json.mjs";
import englishWords from "@zxcvbn-ts/language-en/dist/wikipedia.json.mjs";

/** What a passphrase is worth. */
export interface Strength {
  /** 0 to 4. */
  readonly level: number;
  /** Seconds of guessing on one machine with a good graphics card, on average. */
  readonly seconds: number;
}

/** Guesses a second at 600,000 rounds of PBKDF2-HMAC-SHA256: a little more than hashcat does on one card of 2024. */
const guessesPerSecond = 20_000;
/** An hour, a month, ten years, a thousand: each begins a level. */
const levelsFromSec = [3_600, 2_600_000, 3.2e8, 3.2e10];
const mostLetters = 128;

const zxcvbn = new ZxcvbnFactory({
  graphs: adjacencyGraphs,
  dictionary: { ...dictionary, englishWords, englishNames, germanWords, germanNames },
  maxLength: mostLetters,
});

/** @param known words that a thief would try first. */
function strengthOf(passphrase: string, known: readonly string[]): Strength {
  const { guesses } = zxcvbn.check(passphrase.slice(0, mostLetters), [...known, "sotto"]);
  const seconds = guesses / 2 / guessesPerSecond;
  return { level: levelsFromSec.filter((from) => seconds >= from).length, seconds };
}

/** Five words of the EFF's list of 7,776, drawn at random: 64 bits. */
function suggestPassphrase(): string {
  const words = dictionary["diceware-common"] as readonly string[];
  const most = 2 ** 32 - (2 ** 32 % words.length);
  const word = (): string => {
    const [drawn = 0] = crypto.getRandomValues(new Uint32Array(1));
    return drawn < most ? (words[drawn % words.length] ?? "") : word();
  };
  return Array.from({ length: 5 }, word).join(" ");
}

/** Both, for who fetches them. */
export const estimator = { strengthOf, suggestPassphrase };
/** What measures passphrases. */
export type Estimator = typeof estimator;
