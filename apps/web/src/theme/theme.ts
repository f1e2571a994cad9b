/** Light or dark, by the person's choice; without one, the system's. early.js shows it before the app is there. */

/** A choice. */
export type Theme = "system" | "light" | "dark";

const key = "sotto.theme";

/** The choice. */
export function chosenTheme(): Theme {
  const chosen = localStorage.getItem(key);
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

/** Chooses, and shows it. */
export function chooseTheme(theme: Theme): void {
  if (theme === "system") {
    localStorage.removeItem(key);
    delete document.documentElement.dataset["theme"];
  } else {
    localStorage.setItem(key, theme);
    document.documentElement.dataset["theme"] = theme;
  }
}
