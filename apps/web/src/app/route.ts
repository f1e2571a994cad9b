/** Which screen is open, kept after the # of the address: it never reaches the server. */
import { useSyncExternalStore } from "react";

/** A screen. `key`: a group's id, or a person's identifier. */
export type Route =
  | { readonly screen: "home" }
  /** `at`: the message that is to be seen. */
  | { readonly screen: "conversation"; readonly key: string; readonly panel?: string; readonly at?: string }
  | { readonly screen: "new" }
  /** Asking to be let into a group; `link`: by this, as it stands in the address; empty: what was asked. */
  | { readonly screen: "join"; readonly link: string }
  | { readonly screen: "settings"; readonly page: string };

/** The address of a screen. */
export function hrefOf(route: Route): string {
  switch (route.screen) {
    case "home":
      return "#/";
    case "conversation": {
      const part = route.at === undefined ? route.panel : `at/${route.at}`;
      return `#/c/${encodeURIComponent(route.key)}${part === undefined ? "" : `/${part}`}`;
    }
    case "new":
      return "#/new";
    case "join":
      return `#/join/${route.link}`;
    case "settings":
      return `#/settings${route.page === "" ? "" : `/${route.page}`}`;
  }
}

/** The screen of an address; home for anything else. */
function parseRoute(hash: string): Route {
  const [, first = "", second = "", third, fourth] = hash.replace(/^#/, "").split("/");
  if (first === "c" && second !== "" && third === "at" && fourth !== undefined) {
    return { screen: "conversation", key: decode(second), at: fourth };
  }
  if (first === "c" && second !== "") {
    return { screen: "conversation", key: decode(second), ...(third !== undefined && { panel: third }) };
  }
  if (first === "join") return { screen: "join", link: second };
  if (first === "new") return { screen: "new" };
  if (first === "settings") return { screen: "settings", page: second };
  return { screen: "home" };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Opens a screen. */
export function go(route: Route): void {
  location.hash = hrefOf(route);
}

let parsed: { readonly hash: string; readonly route: Route } | undefined;

/** The open screen, whether it was drawn already or not. */
export function currentRoute(): Route {
  const { hash } = location;
  if (parsed?.hash !== hash) parsed = { hash, route: parseRoute(hash) };
  return parsed.route;
}

/** The open screen. */
export function useRoute(): Route {
  return useSyncExternalStore((changed) => {
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, currentRoute);
}
