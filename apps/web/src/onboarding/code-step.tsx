/** The code that shows that the number is one's own: the last thing that is asked, so that it is tried as soon as it is typed. */
import { useEffect, useState, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { useText } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Button } from "../ui/controls.tsx";
import { CODE_DIGITS, CodeInput } from "./code-input.tsx";
import { DEVICE_NAME } from "./device.ts";
import { DiscardAccount } from "./discard-account.tsx";
import { useFlow } from "./flow.tsx";
import { cleanName } from "./name.ts";
import { useReadable } from "./readable.ts";
import { useSendCode } from "./send-code.ts";
import { resetTimes, setResetTimes } from "./steps.ts";
import { Step } from "./step.tsx";

/** Asks for the code, and makes the account, brings it back, or begins its reset. */
export function CodeStep(): ReactNode {
  const t = useText();
  const f = useFirstRunText();
  const problemText = useProblemText();
  const readable = useReadable();
  const sendCode = useSendCode();
  const carryOut = useCarryOut();
  const { saved, resumed, next, start, to, finish } = useFlow();
  const { identifier, path } = saved;
  const [code, setCode] = useState("");
  const [fieldProblem, setFieldProblem] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [taken, setTaken] = useState(false);
  const [objected, setObjected] = useState(false);
  const [working, setWorking] = useState<string>();

  const send = async (again: boolean): Promise<void> => {
    setProblem(undefined);
    try {
      await sendCode(identifier, path !== "register", again);
    } catch (cause) {
      setProblem(problemText(cause));
    }
  };
  // Whoever comes back here has none yet.
  useEffect(() => void send(false), []);

  const go = async (typed: string): Promise<void> => {
    if (typed.length < CODE_DIGITS) return setFieldProblem(f.codeShort);
    setWorking(path === "recover" || path === "restore" ? f.recovering : f.making);
    setProblem(undefined);
    setFieldProblem(undefined);
    try {
      const result = await carryOut(typed);
      if (result === "next") return next();
      if (result === "done") return void finish();
      setObjected(true);
    } catch (cause) {
      const { code: why } = cause as { readonly code?: string };
      if (why === "code_refused") {
        setFieldProblem(t.errors.code_refused);
        setCode("");
      } else if (why === "identifier_taken") setTaken(true);
      else if (why === "recovery_key_wrong") return to("key-entry");
      else if (why === "server_key_mismatch") return to("mismatch");
      else setProblem(why === "passphrase_wrong" ? f.unfinishedPassphrase : problemText(cause));
    }
    setWorking(undefined);
  };

  if (taken) {
    return (
      <Step title={f.takenTitle} text={f.takenText(readable(identifier))}>
        <div className="first__choices">
          <Button kind="primary" onClick={() => start("link")}>
            {f.takenLink}
          </Button>
          <Button onClick={() => start("recover")}>{f.takenRecover}</Button>
        </div>
      </Step>
    );
  }
  if (objected) {
    return (
      <Step title={f.waitingTitle} text={f.resetObjected} action={f.next} onNext={() => to("waiting")} />
    );
  }
  return (
    <Step
      title={resumed && path === "register" ? f.unfinishedTitle : f.codeTitle}
      text={
        <>
          {resumed && path === "register" && <p>{f.unfinishedText}</p>}
          <p>{f.codeText(readable(identifier))}</p>
        </>
      }
      problem={problem}
      working={working}
      action={problem === undefined ? f.next : f.tryAgain}
      onNext={() => void go(code)}
      footer={resumed && <DiscardAccount />}
    >
      <CodeInput
        value={code}
        error={fieldProblem}
        disabled={working !== undefined}
        onChange={setCode}
        onFull={(whole) => void go(whole)}
      />
      {working === undefined && (
        <div className="first__row">
          <Resend send={() => send(true)} />
          {path !== "restore" && (
            <button type="button" className="text-button" onClick={() => to("identifier")}>
              {f.change}
            </button>
          )}
        </div>
      )}
    </Step>
  );
}

/** What the code is for. Gives what comes then; `again`: a reset was stopped, and its delay begins once more. */
function useCarryOut(): (code: string) => Promise<"next" | "done" | "again"> {
  const calls = useCalls();
  const { saved, secrets, resumed } = useFlow();
  const { path, identifier, name, serverKey = "" } = saved;
  const { passphrase, typedKey, backup } = secrets;
  return async (code) => {
    const common = { server: location.origin, serverKey, identifier, code, deviceName: DEVICE_NAME };
    const typed = resumed ? {} : { passphrase };
    const waited = resetTimes() !== undefined;
    const before = firstSteps.keyToKeep();
    // Noted before there is an account: whatever breaks in, the key can be kept.
    firstSteps.show(true);
    if (path === "register") firstSteps.setKeyToKeep("now");
    else if (path === "reset") firstSteps.setKeyToKeep("later");
    try {
      if (path === "recover") await calls.recover({ ...common, passphrase, recoveryKey: typedKey });
      else if (path === "restore" && backup !== undefined) {
        const { file, passphrase: backupPassphrase, othersLost } = backup;
        const { server, deviceName } = common;
        await calls.restore({ file, backupPassphrase, othersLost, server, code, passphrase, deviceName });
      } else if (path === "register") {
        await calls.register({
          ...common,
          ...typed,
          ...(cleanName(name) !== "" && { name: cleanName(name) }),
        });
      } else {
        const { done, ...times } = await calls.reset({ ...common, ...typed });
        setResetTimes(done ? undefined : times);
        return done ? "done" : waited ? "again" : "next";
      }
      return "next";
    } catch (cause) {
      firstSteps.show(false);
      firstSteps.setKeyToKeep(before);
      throw cause;
    }
  };
}

/** Another code, when the server sends one. */
function Resend({ send }: { readonly send: () => Promise<void> }): ReactNode {
  const f = useFirstRunText();
  const { saved } = useFlow();
  const [now, setNow] = useState(() => Date.now());
  const [sent, setSent] = useState(false);
  const waits = Math.ceil(((saved.code?.resendAtMs ?? 0) - now) / 1000);
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(ticking);
  }, []);
  return (
    <>
      {waits > 0 ? (
        <span className="field__hint">{f.resendIn(waits)}</span>
      ) : (
        <button
          type="button"
          className="text-button"
          onClick={() => {
            setSent(false);
            void send().then(() => setSent(true));
          }}
        >
          {f.resend}
        </button>
      )}
      <span className="visually-hidden" role="status">
        {sent ? f.resent : ""}
      </span>
    </>
  );
}
