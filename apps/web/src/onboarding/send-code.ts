/** Having a code sent, once for each number: going back and forth sends no more of them. */
import { useCallback } from "react";
import { useCalls } from "../app/context.tsx";
import { useFlow } from "./flow.tsx";

/** Sends one, unless one that still counts is under way; `again`: in any case. */
export function useSendCode(): (identifier: string, forExisting: boolean, again?: boolean) => Promise<void> {
  const calls = useCalls();
  const { saved, set } = useFlow();
  const { serverKey, code } = saved;
  return useCallback(
    async (identifier, forExisting, again = false) => {
      const counts =
        code?.to === identifier && code.forExisting === forExisting && Date.now() < code.expiresAtMs - 60_000;
      if (counts && !again) return;
      const server = location.origin;
      // Whoever comes back to an unfinished account has not seen the first screen.
      const key = serverKey ?? (await calls.fetchServerFacts({ server })).fingerprint;
      const sent = await calls.requestCode({ server, serverKey: key, identifier, forExisting });
      const now = Date.now();
      set({
        serverKey: key,
        code: {
          to: identifier,
          forExisting,
          resendAtMs: now + sent.resendAfterSec * 1000,
          expiresAtMs: now + sent.expiresInSec * 1000,
        },
      });
    },
    [calls, code, serverKey, set],
  );
}
