/** What the person decides about this app. */
import type { ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { hrefOf } from "../app/route.ts";
import { LANGUAGES, useLanguage, useText, type Language } from "../text/index.tsx";
import { Button } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import "../ui/screen.css";

/** The settings. */
function Settings({ page }: { readonly page: string }): ReactNode {
  const t = useText();
  const calls = useCalls();
  const { language, choose } = useLanguage();
  return (
    <section className="screen" data-page={page}>
      <header className="screen__header">
        <a className="icon-button" href={hrefOf({ screen: "home" })} aria-label={t.common.back}>
          <Icon name="back" />
        </a>
        <h1>{t.list.settings}</h1>
      </header>
      <div className="screen__body">
        <label className="field">
          <span className="field__label">{t.common.language}</span>
          <select
            className="field__input"
            value={language}
            onChange={(event) => choose(event.target.value as Language)}
          >
            {Object.entries(LANGUAGES).map(([tag, name]) => (
              <option key={tag} value={tag}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Button onClick={() => void calls.lock()}>{t.common.lock}</Button>
      </div>
    </section>
  );
}

export default Settings;
