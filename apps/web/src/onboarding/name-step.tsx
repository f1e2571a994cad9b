/** What the person is called, for whom they write to. */
import type { ReactNode } from "react";
import { useFirstRunText } from "../text/first-run.ts";
import { Avatar } from "../ui/avatar.tsx";
import { TextField } from "../ui/controls.tsx";
import { useFlow } from "./flow.tsx";
import { NAME_LETTERS, cleanName } from "./name.ts";
import { Step } from "./step.tsx";

/** Asks for it; it can be left out. */
export function NameStep(): ReactNode {
  const f = useFirstRunText();
  const { saved, set, next } = useFlow();
  const { name, identifier } = saved;
  return (
    <Step title={f.nameTitle} text={f.nameText} action={f.next} onNext={next}>
      <div className="first__name">
        <Avatar name={cleanName(name) || identifier} of={identifier} size={56} />
        <TextField
          label={f.name}
          autoComplete="name"
          maxLength={NAME_LETTERS}
          data-first
          value={name}
          onChange={(event) => set({ name: event.target.value })}
        />
      </div>
    </Step>
  );
}
