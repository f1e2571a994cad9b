/** Files that are dragged over the window and let go. Nothing that is let go ever opens in place of the app. */
import { useEffect, useRef, useState } from "react";

const isFolder = (item: DataTransferItem): boolean => item.webkitGetAsEntry()?.isDirectory === true;
const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true;

/** @param onDrop gets files, and whether there were folders among them. Returns whether files are over the window. */
export function useDrop(
  enabled: boolean,
  onDrop: (files: readonly File[], folders: boolean) => void,
): boolean {
  const [over, setOver] = useState(false);
  const dropped = useRef(onDrop);
  dropped.current = onDrop;
  useEffect(() => {
    // Each element within that is entered is told, and each that is left.
    let entered = 0;
    const set = (count: number): void => {
      entered = Math.max(0, count);
      setOver(entered > 0 && enabled);
    };
    const enter = (event: DragEvent): void => {
      if (hasFiles(event)) set(entered + 1);
    };
    const leave = (event: DragEvent): void => {
      if (hasFiles(event)) set(entered - 1);
    };
    const hover = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = enabled ? "copy" : "none";
    };
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      set(0);
      if (!enabled) return;
      const items = [...(event.dataTransfer?.items ?? [])].filter(({ kind }) => kind === "file");
      const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile());
      dropped.current(
        files.filter((file) => file !== null),
        items.some(isFolder),
      );
    };
    addEventListener("dragenter", enter);
    addEventListener("dragleave", leave);
    addEventListener("dragover", hover);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("dragover", hover);
      removeEventListener("drop", drop);
    };
  }, [enabled]);
  return over;
}
