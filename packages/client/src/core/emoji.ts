/** What counts as one emoji: the shape that Unicode Technical Standard #51 gives them (section 1.4.9), bounded in bytes. Pure. */
import { LIMITS, utf8 } from "@sotto/protocol";

// A picture with its skin tone, its presentation or the tags of a flag, several joined by zero-width joiners; a flag of two letters; a
// keycap. New emoji of later versions of Unicode have this shape too.
const element = String.raw`\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F|[\u{E0020}-\u{E007E}]+\u{E007F})?`;
const shape = new RegExp(
  String.raw`^(?:\p{Regional_Indicator}{2}|[0-9#*]\uFE0F\u20E3|${element}(?:\u200D${element})*)$`,
  "u",
);

/** Whether a text is exactly one emoji, of at most `maxEmojiBytes` bytes in UTF-8. */
export function isEmoji(text: string): boolean {
  return text.length <= LIMITS.maxEmojiBytes && utf8(text).length <= LIMITS.maxEmojiBytes && shape.test(text);
}
