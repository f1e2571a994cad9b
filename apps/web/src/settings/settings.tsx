/** What the person decides about this app: a list of pages, and the open one. */
import { Suspense, lazy, useEffect, useRef, useState, type ComponentType, type ReactNode } from "react";
import { useCalls, useEngineState } from "../app/context.tsx";
import { hrefOf } from "../app/route.ts";
import { useReadable } from "../onboarding/readable.ts";
import { useSettingsText } from "../text/settings.ts";
import { useText } from "../text/index.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import "../ui/screen.css";
import { PageRow, Part } from "./parts.tsx";
import { ResetWarning } from "./reset-warning.tsx";

/** A page; its words are `title` and `hint` of text/…/settings.ts. */
interface Page {
  readonly icon: IconName;
  readonly Shown: ComponentType;
}

const pages = {
  account: { icon: "person", Shown: lazy(async () => import("./account.tsx")) },
  security: { icon: "lock", Shown: lazy(async () => import("./security.tsx")) },
  appearance: { icon: "theme", Shown: lazy(async () => import("./appearance.tsx")) },
  privacy: { icon: "show", Shown: lazy(async () => import("./privacy.tsx")) },
  notifications: { icon: "bell", Shown: lazy(async () => import("./notifications.tsx")) },
  backup: { icon: "download", Shown: lazy(async () => import("./backup.tsx")) },
  devices: { icon: "devices", Shown: lazy(async () => import("./devices.tsx")) },
  server: { icon: "server", Shown: lazy(async () => import("./server-knows.tsx")) },
  shortcuts: { icon: "keyboard", Shown: lazy(async () => import("./shortcut-page.tsx")) },
  about: { icon: "info", Shown: lazy(async () => import("./about.tsx")) },
} as const satisfies Readonly<Record<string, Page>>;
type PageName = keyof typeof pages;

/** Boxes of the list. */
const groups: readonly (readonly PageName[])[] = [
  ["account", "security", "devices", "backup"],
  ["notifications", "appearance", "privacy", "shortcuts"],
  ["server", "about"],
];

/** The settings. @param page empty: the list. */
function Settings({ page }: { readonly page: string }): ReactNode {
  const t = useText();
  const s = useSettingsText();
  const heading = useRef<HTMLHeadingElement>(null);
  const open = Object.hasOwn(pages, page) ? (page as PageName) : undefined;
  // Who comes here by a link hears where they are.
  useEffect(() => heading.current?.focus(), [page]);
  const Shown = open && pages[open].Shown;
  return (
    <section className="screen">
      <header className="screen__header">
        <a
          className="icon-button"
          href={hrefOf(open === undefined ? { screen: "home" } : { screen: "settings", page: "" })}
          aria-label={open === undefined ? t.common.back : s.back}
        >
          <Icon name="back" />
        </a>
        <h1 ref={heading} id="settings-heading" tabIndex={-1}>
          {open === undefined ? s.title : s[open]}
        </h1>
      </header>
      {/* Pages that only tell are scrolled with the keys as well. */}
      <div className="screen__body" key={page} role="group" aria-labelledby="settings-heading" tabIndex={0}>
        {Shown === undefined ? (
          <List />
        ) : (
          <Suspense fallback={<SkeletonRows count={3} />}>
            <Shown />
          </Suspense>
        )}
      </div>
    </section>
  );
}

function List(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const state = useEngineState();
  const readable = useReadable();
  const identifier = state.phase === "open" ? state.self.identifier : "";
  const [name, setName] = useState("");
  useEffect(() => {
    let current = true;
    calls.profile().then(
      (profile) => current && setName(profile.name),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [calls]);
  return (
    <>
      <ResetWarning />
      <div className="settings__who">
        <Avatar name={name || identifier} of={identifier} size={56} />
        <span className="group__words">
          {name || readable(identifier)}
          {name !== "" && <small>{readable(identifier)}</small>}
        </span>
      </div>
      {groups.map((names) => (
        <Part key={names[0]}>
          {names.map((name) => (
            <PageRow key={name} page={name} icon={pages[name].icon} title={s[name]} hint={s[`${name}Hint`]} />
          ))}
        </Part>
      ))}
      <Part>
        <button type="button" className="group__row" onClick={() => void calls.lock()}>
          <Icon name="lock" />
          <span className="group__words">{s.lockNow}</span>
        </button>
      </Part>
    </>
  );
}

export default Settings;
