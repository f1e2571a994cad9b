/** Somebody new to write to, or a new group. */
import { useState, type FormEvent, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { go, hrefOf } from "../app/route.ts";
import { useText } from "../text/index.tsx";
import { Button, TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { useTold } from "../details/use-told.ts";
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
      <div className="screen__body">
        <form className="new__form" onSubmit={(event) => void open(event)}>
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
        <NewGroup />
      </div>
    </section>
  );
}

function NewGroup(): ReactNode {
  const t = useText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [name, setName] = useState("");
  const [people, setPeople] = useState("");
  const create = (event: FormEvent): void => {
    event.preventDefault();
    const members = people.split(/[,;\n]/).map((text) => text.trim());
    void run(async () => {
      const { id } = await calls.createGroup(
        name.trim(),
        members.filter((text) => text !== ""),
      );
      go({ screen: "conversation", key: id });
    });
  };
  return (
    <form className="new__form" onSubmit={create}>
      <h2>{t.list.newGroup}</h2>
      <TextField
        label={t.details.groupName}
        value={name}
        maxLength={100}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        label={t.list.groupPeople}
        hint={t.details.addHint}
        value={people}
        error={problem}
        onChange={(event) => setPeople(event.target.value)}
      />
      <Button type="submit" disabled={working || name.trim() === ""}>
        {t.list.createGroup}
      </Button>
    </form>
  );
}

export default NewConversation;
