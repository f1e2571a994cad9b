/** The page: starts the worker, gives the app what it needs, and draws it. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "../app/app.tsx";
import { AppProvider } from "../app/context.tsx";
import { trackConversations } from "../store/conversations.ts";
import { TextProvider } from "../text/index.tsx";
import "../ui/tokens.css";
import { connectEngine } from "./engine-client.ts";
import { startWorker } from "./trusted.ts";

const engine = connectEngine(startWorker("sotto"));
const conversations = trackConversations(engine);
const root = document.querySelector("#root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <TextProvider>
        <AppProvider engine={engine} conversations={conversations}>
          <App />
        </AppProvider>
      </TextProvider>
    </StrictMode>,
  );
}
