/** How the screen is divided, in cells. Pure. */

/** Below this width one pane is shown at a time. */
const narrowBelow = 60;

/** The division of a screen. */
export interface Areas {
  readonly columns: number;
  readonly rows: number;
  /** Too small to show anything but a word about it. */
  readonly tooSmall: boolean;
  readonly narrow: boolean;
  /** Width of the list of conversations; the whole screen when narrow. */
  readonly listColumns: number;
  /** First column of the message pane. */
  readonly paneLeft: number;
  /** Width of the message pane: one column less than there is, since terminals disagree about the width of some signs. */
  readonly paneColumns: number;
  /** Rows between the bar at the top and the footer. */
  readonly bodyRows: number;
  readonly composerRows: number;
  /** Rows for messages: the body without title, rule and composer. */
  readonly messageRows: number;
}

/** Width of "> " before the composer's text. */
export const promptColumns = 2;

/** Divides a screen. @param draftRows rows that the draft needs; @param footerRows rows of the footer. */
export function divide(columns: number, rows: number, draftRows: number, footerRows: number): Areas {
  const narrow = columns < narrowBelow;
  const listColumns = narrow ? columns : Math.min(30, Math.floor(columns * 0.3));
  const paneLeft = narrow ? 0 : listColumns + 2;
  const bodyRows = rows - 1 - footerRows;
  const composerRows = Math.max(1, Math.min(draftRows, 5, bodyRows - 4));
  return {
    columns,
    rows,
    tooSmall: columns < 24 || bodyRows < 6,
    narrow,
    listColumns,
    paneLeft,
    paneColumns: columns - paneLeft - 1,
    bodyRows,
    composerRows,
    messageRows: bodyRows - 2 - composerRows,
  };
}
