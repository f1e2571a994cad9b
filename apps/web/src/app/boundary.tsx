/**
 * What is shown in the place of a part of the app that failed: mostly one that could not be fetched, since the server has another version by
 * now and this page was never kept for use offline.
 */
import { Component, type ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { Button, Notice } from "../ui/controls.tsx";

interface Props {
  /** Nothing is missed without it: nothing is said. */
  readonly quiet?: boolean;
  readonly children: ReactNode;
}

/** Catches what fails below it. With another `key` it tries again. */
export class Boundary extends Component<Props, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    const { quiet = false, children } = this.props;
    if (!this.state.failed) return children;
    return quiet ? null : <Failed />;
  }
}

function Failed(): ReactNode {
  const t = useText().common;
  return (
    <div className="centred">
      <Notice kind="error">
        <p>{t.partMissing}</p>
        <p className="notice__actions">
          <Button kind="primary" onClick={() => location.reload()}>
            {t.updateReload}
          </Button>
        </p>
      </Notice>
    </div>
  );
}
