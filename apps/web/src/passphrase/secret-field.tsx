/** A field whose text can be shown. */
import { useState, type InputHTMLAttributes, type ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { IconButton, TextField } from "../ui/controls.tsx";
import "./passphrase.css";

/** @param shown whether the text is shown; left out, the field decides by itself. */
export function SecretField({
  shown,
  onShow,
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly shown?: boolean;
  readonly onShow?: (shown: boolean) => void;
}): ReactNode {
  const t = useText();
  const [own, setOwn] = useState(false);
  const visible = shown ?? own;
  return (
    <TextField
      {...rest}
      type={visible ? "text" : "password"}
      autoCapitalize="none"
      autoCorrect="off"
      spellCheck={false}
      rowClassName="secret"
      end={
        <IconButton
          icon={visible ? "hide" : "show"}
          label={visible ? t.unlock.hide : t.unlock.show}
          aria-pressed={visible}
          onClick={() => (onShow ?? setOwn)(!visible)}
        />
      }
    />
  );
}
