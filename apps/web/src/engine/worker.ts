/** The worker of a tab: crypto, storage and the network are here, the page only shows. */
import { joinTabs } from "./tab.ts";
import type { Call, ToPage } from "./messages.ts";

/** Put in by the build: what tells two builds of the same sources apart. */
declare const SOTTO_LABEL: string;

const scope = self as unknown as {
  postMessage(message: ToPage): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Call | { type: "leave" }>) => void): void;
  readonly name: string;
  readonly location: Location;
};

// The file's name has its hash in it.
const tab = joinTabs(scope.name, scope.location.pathname + SOTTO_LABEL, (message) =>
  scope.postMessage(message),
);
scope.addEventListener("message", ({ data }) => {
  if (data.type === "leave") tab.leave();
  else tab.call(data);
});
