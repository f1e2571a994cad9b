/** Carries something out, and says what went wrong. */
import { useCallback, useState } from "react";
import { useProblemText } from "../app/context.tsx";

/** What is under way. */
export interface Told {
  readonly working: boolean;
  readonly problem: string | undefined;
  /** Returns whether it worked. */
  run(work: () => Promise<unknown>): Promise<boolean>;
}

/** One thing at a time. */
export function useTold(): Told {
  const problemText = useProblemText();
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string>();
  const run = useCallback(
    async (work: () => Promise<unknown>) => {
      setWorking(true);
      setProblem(undefined);
      try {
        await work();
        return true;
      } catch (cause) {
        setProblem(problemText(cause));
        return false;
      } finally {
        setWorking(false);
      }
    },
    [problemText],
  );
  return { working, problem, run };
}
