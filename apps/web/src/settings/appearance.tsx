/** Light or dark, and the language. */
import { useState, type ReactNode } from "react";
import { LANGUAGES, useLanguage, useText, type Language } from "../text/index.tsx";
import { useSettingsText } from "../text/settings.ts";
import { chooseTheme, chosenTheme, type Theme } from "../theme/theme.ts";
import { Choice, Part } from "./parts.tsx";

function AppearancePage(): ReactNode {
  const t = useText();
  const s = useSettingsText();
  const { language, choose } = useLanguage();
  const [theme, setTheme] = useState(chosenTheme);
  const themes: readonly (readonly [Theme, string])[] = [
    ["system", s.themeSystem],
    ["light", s.themeLight],
    ["dark", s.themeDark],
  ];
  return (
    <>
      <Part title={s.theme}>
        {themes.map(([name, label]) => (
          <Choice
            key={name}
            name="theme"
            label={label}
            checked={theme === name}
            onChoose={() => {
              chooseTheme(name);
              setTheme(name);
            }}
          />
        ))}
      </Part>
      <Part title={t.common.language}>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <Choice
            key={tag}
            name="language"
            label={name}
            checked={language === tag}
            onChoose={() => choose(tag as Language)}
          />
        ))}
      </Part>
    </>
  );
}

export default AppearancePage;
