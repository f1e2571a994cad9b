/** Somebody new to write to. */
import { useState, type FormEvent, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { go, hrefOf } from "../app/route.ts";
import { useText } from "../text/index.tsx";
import { Button, TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import "../ui/screen.css";

/** Asks whom to write to. */
function NewConversation(): ReactNode {
  const t = useText();
  const calls = useCalls();
  const problemText = useProblemText();
  const [peer, setPeer] = useState("");
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);

  const open = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setWorking(true);
    setProblem(undefined);
    try {
      const { identifier } = await calls.contact(peer.trim());
      go({ screen: "conversation", key: identifier });
    } catch (cause) {
      setProblem(problemText(cause));
      setWorking(false);
    }
  };

  return (
    <section className="screen">
      <header className="screen__header">
        <a className="icon-button" href={hrefOf({ screen: "home" })} aria-label={t.common.back}>
          <Icon name="back" />
        </a>
        <h1>{t.list.new}</h1>
      </header>
      <form className="screen__body" onSubmit={(event) => void open(event)}>
        <TextField
          label={t.list.peer}
          hint={t.list.peerHint}
          error={problem}
          value={peer}
          autoFocus
          autoComplete="off"
          inputMode="email"
          onChange={(event) => setPeer(event.target.value)}
        />
        <Button kind="primary" type="submit" disabled={working || peer.trim() === ""}>
          {t.list.open}
        </Button>
      </form>
    </section>
  );
}

export default NewConversation;
