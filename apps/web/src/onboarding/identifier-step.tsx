/** Who one is: a phone number or an e-mail address, to which a code is sent. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useProblemText } from "../app/context.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { TextField } from "../ui/controls.tsx";
import { useFlow } from "./flow.tsx";
import { PhoneInput } from "./phone-input.tsx";
import type { CountryCode, Phones } from "./phones.ts";
import { useSendCode } from "./send-code.ts";
import { Step } from "./step.tsx";

const emailForm = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** Once fetched they are there at once: a number that is typed right after coming back is read like any other. */
let loadedPhones: Phones | undefined;

/** Asks for it, and has the code sent. */
export function IdentifierStep(): ReactNode {
  const f = useFirstRunText();
  const problemText = useProblemText();
  const sendCode = useSendCode();
  const { saved, set, next } = useFlow();
  const [phones, setPhones] = useState(loadedPhones);
  const [fieldProblem, setFieldProblem] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);
  const field = useRef<HTMLDivElement>(null);
  const { kind, typed, path } = saved;
  const country = saved.country ?? phones?.likelyCountry() ?? "US";

  useEffect(() => {
    let current = true;
    import("./phones.ts").then(
      ({ phones: loaded }) => current && setPhones((loadedPhones = loaded)),
      // Then numbers are typed with + and their country.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, []);

  const type = (text: string, inCountry?: string): void => {
    setFieldProblem(undefined);
    // Whoever types an address means one.
    const isEmail = kind === "email" || text.includes("@");
    set({ typed: text, kind: isEmail ? "email" : "phone", country: inCountry ?? saved.country });
  };
  const swap = (): void => {
    setFieldProblem(undefined);
    setProblem(undefined);
    set({ kind: kind === "phone" ? "email" : "phone", typed: "" });
  };
  const refuse = (why: string): void => {
    setFieldProblem(why);
    field.current?.querySelector("input")?.focus();
  };

  const go = async (): Promise<void> => {
    const text = typed.trim();
    if (text === "") return refuse(kind === "phone" ? f.phoneMissing : f.emailMissing);
    const identifier = kind === "email" ? readEmail(text) : readPhone(text, phones, country);
    if (identifier === undefined) return refuse(kind === "phone" ? f.phoneWrong : f.emailWrong);
    setWorking(true);
    setProblem(undefined);
    try {
      set({ identifier });
      await sendCode(identifier, path !== "register");
      next();
    } catch (cause) {
      if ((cause as { code?: string }).code === "identifier_invalid") {
        refuse(kind === "phone" ? f.phoneWrong : f.emailWrong);
      } else setProblem(problemText(cause));
    }
    setWorking(false);
  };

  const [title, text] =
    path !== "register"
      ? [f.recoverTitle, f.recoverText]
      : kind === "phone"
        ? [f.phoneTitle, f.phoneText]
        : [f.emailTitle, f.emailText];
  return (
    <Step
      title={title}
      text={text}
      problem={problem}
      working={working ? f.requesting : undefined}
      action={f.next}
      onNext={() => void go()}
    >
      <div ref={field}>
        {kind === "phone" ? (
          <PhoneInput
            phones={phones}
            country={country as CountryCode}
            value={typed}
            error={fieldProblem}
            onChange={type}
          />
        ) : (
          <TextField
            label={f.email}
            type="email"
            inputMode="email"
            autoComplete="email"
            autoCapitalize="none"
            spellCheck={false}
            data-first
            error={fieldProblem}
            value={typed}
            onChange={(event) => type(event.target.value)}
          />
        )}
      </div>
      <button type="button" className="text-button" onClick={swap}>
        {kind === "phone" ? f.useEmail : f.usePhone}
      </button>
    </Step>
  );
}

const readEmail = (text: string): string | undefined =>
  emailForm.test(text) ? text.toLowerCase() : undefined;

function readPhone(text: string, phones: Phones | undefined, country: string): string | undefined {
  if (phones !== undefined) return phones.parseTyped(text, country as CountryCode);
  const digits = text.replaceAll(/[^\d+]/g, "");
  return /^\+\d{7,15}$/.test(digits) ? digits : undefined;
}
