/** Chooses what is shown: the first steps, the lock, or the conversations. */
import { Suspense, lazy, useSyncExternalStore, type ReactNode } from "react";
import { Unlock } from "../unlock/unlock.tsx";
import { Boundary } from "./boundary.tsx";
import { useEngineState, useProblemText } from "./context.tsx";
import { firstSteps } from "./first-steps.ts";
import { Main } from "./main.tsx";
import { EngineError } from "../page/engine-client.ts";
import { useText } from "../text/index.tsx";
import { Notice } from "../ui/controls.tsx";
import { Skeleton } from "../ui/skeleton.tsx";

const UpdateBar = lazy(async () => import("../offline/update-bar.tsx"));
const Onboarding = lazy(async () => import("../onboarding/onboarding.tsx"));

/** The app. */
export function App(): ReactNode {
  return (
    <>
      <Boundary quiet>
        <Suspense>
          <UpdateBar />
        </Suspense>
      </Boundary>
      <Screen />
    </>
  );
}

function Screen(): ReactNode {
  const t = useText();
  const state = useEngineState();
  const problemText = useProblemText();
  const inFirstSteps = useSyncExternalStore(firstSteps.subscribe, firstSteps.onScreen);
  // One place for all of its phases, so that it lives on from one to the next.
  if (state.phase === "empty" || state.phase === "unfinished" || (state.phase === "open" && inFirstSteps)) {
    return (
      <Boundary>
        <Suspense fallback={<Skeleton />}>
          <Onboarding />
        </Suspense>
      </Boundary>
    );
  }
  switch (state.phase) {
    case "starting":
      return <Skeleton />;
    case "locked":
      return <Unlock />;
    case "other-version":
      return (
        <main className="centred">
          <Notice kind="warn">{t.common.otherVersion}</Notice>
        </main>
      );
    case "failed":
      return (
        <main className="centred">
          <Notice kind="error">{problemText(new EngineError({ code: state.code, message: "" }))}</Notice>
        </main>
      );
    case "open":
      return <Main />;
  }
}
