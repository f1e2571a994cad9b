/** The worker of a tab: crypto, storage and the network are here, the page only shows. */
import { joinTabs } from "./tab.ts";
import type { Call, ToPage } from "./messages.ts";

const scope = self as unknown as {
  postMessage(message: ToPage): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Call | { type: "leave" }>) => void): void;
  readonly name: string;
};

const tab = joinTabs(scope.name, (message) => scope.postMessage(message));
scope.addEventListener("message", ({ data }) => {
  if (data.type === "leave") tab.leave();
  else tab.call(data);
});
