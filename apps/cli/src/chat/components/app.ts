/** The chat screen: draws the state of the screen and of the account, and passes keys on. */
import { createElement as h, useSyncExternalStore, type ReactElement } from "react";
import { Box, Text, useCursor, useInput, usePaste } from "ink";
import type { Contact } from "@sotto/client";
import { promptColumns, type Areas } from "../areas.ts";
import { layOutDraft } from "../editor.ts";
import { actionsOf, cleanPaste } from "../keys.ts";
import { activeOf } from "../model.ts";
import { pickedOf } from "../picking.ts";
import type { Screen, ScreenState } from "../screen.ts";
import type { Theme } from "../theme.ts";
import { Bar, Footer } from "./bar.ts";
import { ConversationList } from "./conversation-list.ts";
import { approveCursor } from "./device-lines.ts";
import { Overlay } from "./overlays.ts";
import { promptCursor } from "./prompt-lines.ts";
import { searchCursor } from "./search-lines.ts";
import { firstDraftRow, Thread } from "./thread.ts";

interface AppProps {
  readonly screen: Screen;
  readonly theme: Theme;
}

/** The whole screen. */
export function App({ screen, theme }: AppProps): ReactElement {
  const { model } = screen;
  const state = useSyncExternalStore(screen.subscribe, screen.getSnapshot);
  const account = useSyncExternalStore(calm(model.subscribe), model.getSnapshot);
  const { setCursorPosition } = useCursor();
  useInput((input, key) => {
    for (const action of actionsOf(input, key)) screen.dispatch(action);
  });
  usePaste((text) => screen.paste(cleanPaste(text)));

  const areas = screen.areas();
  setCursorPosition(cursorOf(state, areas, account.active !== undefined));
  if (areas.tooSmall) return h(Text, { wrap: "truncate" }, "Sotto: make the window larger");

  const { overlay } = state;
  const conversation = activeOf(account);
  const listColumns = areas.narrow ? areas.columns - 1 : areas.listColumns;
  const list = h(ConversationList, {
    conversations: account.conversations,
    active: account.active,
    typing: account.typing,
    columns: listColumns,
    rows: areas.bodyRows,
    theme,
  });
  const pane =
    overlay === undefined
      ? h(Thread, {
          conversation,
          members: account.members,
          verified: verifiedIn(account.contacts),
          thread: account.thread,
          typing: account.active === undefined ? undefined : account.typing.get(account.active),
          scroll: state.scroll,
          picked: state.picked,
          aim: state.aim,
          draft: state.draft,
          areas,
          theme,
        })
      : h(Overlay, { overlay, account, columns: areas.paneColumns, rows: areas.bodyRows, theme });
  const body = areas.narrow
    ? state.listShown && overlay === undefined
      ? list
      : pane
    : h(
        Box,
        null,
        h(Box, { width: listColumns, flexShrink: 0 }, list),
        h(
          Box,
          { width: 2, flexShrink: 0 },
          h(Text, theme.dim, Array(areas.bodyRows).fill("\u2502").join("\n")),
        ),
        pane,
      );
  return h(
    Box,
    { flexDirection: "column", width: areas.columns, height: areas.rows },
    h(Bar, { self: model.messenger.self, account, columns: areas.columns, theme }),
    h(Box, { height: areas.bodyRows }, body),
    h(Footer, {
      alert: account.alert,
      picked: overlay === undefined ? pickedOf(account.thread, state.picked) : undefined,
      group: conversation?.group !== undefined,
      columns: areas.columns,
      theme,
    }),
  );
}

const verifiedSets = new WeakMap<ReadonlyMap<string, Contact>, ReadonlySet<string>>();

function verifiedIn(contacts: ReadonlyMap<string, Contact>): ReadonlySet<string> {
  const known = verifiedSets.get(contacts);
  if (known !== undefined) return known;
  const verified = Array.from(contacts.values()).filter((one) => one.verified && !one.identityChanged);
  const found = new Set(verified.map(({ identifier }) => identifier));
  verifiedSets.set(contacts, found);
  return found;
}

type Subscribe = (listener: () => void) => () => void;
const calmed = new WeakMap<Subscribe, Subscribe>();
const frameMs = 16;

/** The same subscription, told at most once a frame: a thousand messages at once are one drawing, not a thousand. */
function calm(subscribe: Subscribe): Subscribe {
  const known = calmed.get(subscribe);
  if (known !== undefined) return known;
  const calmSubscribe: Subscribe = (listener) => {
    let timer: NodeJS.Timeout | undefined;
    const unsubscribe = subscribe(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        listener();
      }, frameMs);
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  };
  calmed.set(subscribe, calmSubscribe);
  return calmSubscribe;
}

/** Where the terminal's cursor stands: in the text that is being written. */
function cursorOf(state: ScreenState, areas: Areas, writing: boolean): { x: number; y: number } | undefined {
  if (areas.tooSmall) return undefined;
  const { overlay } = state;
  if (overlay?.type === "prompt") {
    const { x, y } = promptCursor(overlay, areas.paneColumns);
    return { x: areas.paneLeft + x, y: 1 + y };
  }
  if (overlay?.type === "search") {
    const { x, y } = searchCursor(overlay, areas.paneColumns);
    return { x: areas.paneLeft + x, y: 1 + y };
  }
  if (overlay?.type === "approve" && overlay.sure) {
    const at = approveCursor(overlay, areas.paneColumns, areas.bodyRows);
    return at && { x: areas.paneLeft + at.x, y: 1 + at.y };
  }
  if (overlay !== undefined || !writing || (areas.narrow && state.listShown)) return undefined;
  const { row, column } = layOutDraft(state.draft, areas.paneColumns - promptColumns);
  const top = 1 + areas.bodyRows - areas.composerRows;
  return {
    x: areas.paneLeft + promptColumns + column,
    y: top + row - firstDraftRow(row, areas.composerRows),
  };
}
