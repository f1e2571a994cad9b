/** Saves a file as the browser saves what it downloads. Its type says nothing, so that nothing of it is ever shown as a page. */

const heldMs = 60_000;

/** @param name harmless: see safeFileName of the client. */
export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(new Blob([file], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), heldMs);
}
