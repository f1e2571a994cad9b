/** What the server learns, and what it never does, in plain words: spec/THREAT-MODEL.md for people who use the app. */
import type { ReactNode } from "react";
import { useSettingsText } from "../text/settings.ts";

function ServerKnowsPage(): ReactNode {
  const s = useSettingsText();
  const parts: readonly (readonly [string, readonly string[]])[] = [
    [s.knowsNever, s.knowsNeverPoints],
    [s.knowsMust, s.knowsMustPoints],
    [s.knowsSees, s.knowsSeesPoints],
    [s.knowsCheat, s.knowsCheatPoints],
  ];
  return (
    <div className="prose">
      <p>{s.knowsIntro}</p>
      {parts.map(([title, points]) => (
        <section key={title}>
          <h2>{title}</h2>
          <ul>
            {points.map((point) => (
              <li key={point}>{point}</li>
            ))}
          </ul>
        </section>
      ))}
      <section>
        <h2>{s.knowsBrowser}</h2>
        <p>{s.knowsBrowserText}</p>
      </section>
    </div>
  );
}

export default ServerKnowsPage;
