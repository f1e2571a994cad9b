/** Which server this is: asked for its key, which must be the one that an invite link named, or that was seen before. */
import { useCallback, useEffect, useState } from "react";
import type { PublicServerFacts } from "@sotto/client/web";
import { useCalls } from "../app/context.tsx";
import { currentRoute } from "../app/route.ts";
import { useFlow } from "./flow.tsx";

const fingerprintForm = /^[A-Za-z0-9_-]{43}$/;

/** What is known of the server. */
export interface KnownServer {
  readonly facts: PublicServerFacts | undefined;
  /** Why it could not be asked. */
  readonly problem: unknown;
  ask(): Promise<void>;
}

/** The fingerprint in an invite link's fragment, once; `damaged` when there is something else. */
function takeInvite(): string | "damaged" | undefined {
  const fragment = location.hash.slice(1);
  if (fragment === "" || fragment.startsWith("/")) return undefined;
  // It is the app's own address from now on.
  history.replaceState(history.state, "", `${location.pathname}#/`);
  return fingerprintForm.test(fragment) ? fragment : "damaged";
}

/** A group's link that brought the person here. It stays in the address, and is opened once there is an account. */
export function groupLinkOfAddress(): string | undefined {
  const route = currentRoute();
  return route.screen === "join" && route.link !== "" ? route.link : undefined;
}

let invite: string | undefined;
let looked = false;

/** What brought the person here: an invite link's fingerprint, a damaged one, or nothing. */
export function inviteOfAddress(): string | "damaged" | undefined {
  if (!looked) invite = takeInvite();
  looked = true;
  return invite;
}

/** The fingerprint in what was pasted: an invite link, an address with it, or itself. */
export function fingerprintIn(pasted: string): string | undefined {
  const text = pasted.trim();
  const found = text.includes("#") ? text.slice(text.indexOf("#") + 1) : text;
  return fingerprintForm.test(found) ? found : undefined;
}

/** Asks the server that this page came from. A key that is not the expected one leads to a stop. */
export function useServer(): KnownServer {
  const calls = useCalls();
  const { saved, set, to } = useFlow();
  const { serverKey } = saved;
  const [facts, setFacts] = useState<PublicServerFacts>();
  const [problem, setProblem] = useState<unknown>();

  /** Whoever made a group's link says in it which server it is for. */
  const keyOfLink = useCallback(async () => {
    const link = groupLinkOfAddress();
    try {
      return link === undefined ? undefined : (await calls.readGroupLink(link)).serverFingerprint;
    } catch {
      // Said when it is opened with an account.
      return undefined;
    }
  }, [calls]);

  const ask = useCallback(async () => {
    setProblem(undefined);
    const named = inviteOfAddress();
    const expected = named === undefined || named === "damaged" ? ((await keyOfLink()) ?? serverKey) : named;
    try {
      const server = location.origin;
      const told = await calls.fetchServerFacts({
        server,
        ...(expected !== undefined && { serverKey: expected }),
      });
      set({
        serverKey: told.fingerprint,
        ...(expected === named && named !== undefined && { invited: true }),
      });
      setFacts(told);
    } catch (cause) {
      if ((cause as { readonly code?: string }).code !== "server_key_mismatch") return setProblem(cause);
      set({ serverKey: expected });
      to("mismatch");
    }
  }, [calls, serverKey, keyOfLink, set, to]);

  useEffect(() => void ask(), []);
  return { facts, problem, ask };
}
