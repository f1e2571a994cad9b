import { createRoot } from "react-dom/client";
import { connectEngine } from "./engine-client.ts";
import { startWorker } from "./trusted.ts";

const engine = connectEngine(startWorker("sotto"));
(globalThis as Record<string, unknown>)["engine"] = engine;
createRoot(document.querySelector("#root") as Element).render(<p>Sotto</p>);
