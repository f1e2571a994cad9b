/** The shortcuts as a page. */
import type { ReactNode } from "react";
import { ShortcutList } from "../shortcuts/shortcut-list.tsx";
import { Part } from "./parts.tsx";

function ShortcutPage(): ReactNode {
  return (
    <Part>
      <div className="group__form">
        <ShortcutList />
      </div>
    </Part>
  );
}

export default ShortcutPage;
