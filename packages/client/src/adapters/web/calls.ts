/** Connect by the browser's fetch. Apart, since only registering, linking and recovering need it. */
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Transport } from "../../core/transport.ts";
import { CALL_TIMEOUT_MS, connectCalls } from "../connect-calls.ts";

/** The unary calls to the server at an origin. */
export const webCalls = (origin: string): Pick<Transport, "getServer" | "call"> =>
  connectCalls(createConnectTransport({ baseUrl: origin, defaultTimeoutMs: CALL_TIMEOUT_MS }));
