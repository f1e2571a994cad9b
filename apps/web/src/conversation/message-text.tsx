/** The text of a message: links, code, and everything else as it is. */
import { memo, useState, type ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { isEmojiOnly, partsOf, type Part } from "./format.ts";

/** More than this is folded: a text of a megabyte must not stop the app. */
const mostShown = 4_000;

/** Shows a text. */
export const MessageText = memo(function MessageText({ text }: { readonly text: string }): ReactNode {
  const t = useText().conversation;
  const [whole, setWhole] = useState(false);
  const cut = !whole && text.length > mostShown;
  const parts = partsOf(cut ? text.slice(0, mostShown) : text);
  return (
    <div className={isEmojiOnly(text) ? "text text--emoji" : "text"} dir="auto">
      {parts.map((part, i) => (
        // The parts of a text never move.
        // oxlint-disable-next-line react/no-array-index-key
        <PartView part={part} key={i} />
      ))}
      {cut && (
        <button type="button" className="text__more" onClick={() => setWhole(true)}>
          {t.showAll}
        </button>
      )}
    </div>
  );
});

function PartView({ part }: { readonly part: Part }): ReactNode {
  switch (part.type) {
    case "text":
      return part.text;
    case "code":
      return <code>{part.text}</code>;
    case "block":
      return (
        <pre>
          <code>{part.text}</code>
        </pre>
      );
    case "link":
      return (
        <a href={part.href} target="_blank" rel="noopener noreferrer nofollow" title={part.href} dir="ltr">
          {part.text}
        </a>
      );
  }
}
