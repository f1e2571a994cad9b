/** The shape of what is about to come. */
import type { ReactNode } from "react";
import { useText } from "../text/index.tsx";
import "./skeleton.css";

/** The app's shape, while it starts. */
export function Skeleton(): ReactNode {
  const t = useText();
  return (
    <div className="app-skeleton" role="status" aria-label={t.common.loading}>
      <SkeletonRows count={8} />
    </div>
  );
}

/** Rows of a list to come. */
export function SkeletonRows({ count }: { readonly count: number }): ReactNode {
  return Array.from({ length: count }, (_, i) => (
    <div className="skeleton-row" key={i} aria-hidden="true">
      <span className="skeleton skeleton-row__avatar" />
      <span className="skeleton skeleton-row__line" />
    </div>
  ));
}
