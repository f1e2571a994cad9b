/** Choosing the picture of a group, and taking it away. */
import type { Group } from "@sotto/client/web";
import { useRef, useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { Button, Notice } from "../ui/controls.tsx";
import { useTold } from "./use-told.ts";

/** For those who may. */
export function GroupPicture({ group }: { readonly group: Group }): ReactNode {
  const t = useText().details;
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [unread, setUnread] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const { id, picture } = group;

  const choose = async (file: File): Promise<void> => {
    await run(async () => {
      const { squarePicture } = await import("../media/group-picture.ts");
      const image = await squarePicture(file);
      setUnread(image === undefined);
      if (image !== undefined) await calls.setGroupPicture(id, image);
    });
  };
  return (
    <div className="details__picture">
      {(problem !== undefined || unread) && <Notice kind="error">{problem ?? t.noPicture}</Notice>}
      <p className="details__ends">
        <Button disabled={working} onClick={() => input.current?.click()}>
          {picture === undefined ? t.choosePicture : t.changePicture}
        </Button>
        {picture !== undefined && (
          <Button disabled={working} onClick={() => void run(() => calls.setGroupPicture(id, undefined))}>
            {t.removePicture}
          </Button>
        )}
      </p>
      <p className="field__hint">{t.pictureHint}</p>
      <input
        ref={input}
        className="details__file"
        type="file"
        accept="image/*"
        hidden
        onChange={(event) => {
          const box = event.currentTarget as HTMLInputElement;
          const [file] = box.files ?? [];
          if (file !== undefined) void choose(file);
          // The same file may be chosen again.
          box.value = "";
        }}
      />
    </div>
  );
}
