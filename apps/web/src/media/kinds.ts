/** What a file is shown as. Nobody believes what its sender calls it more than it takes to choose a sign for it. */
import type { Attachment } from "@sotto/client/web";
import { isShowable } from "./bounds.ts";

/** How it is shown. */
export type Kind = "picture" | "voice" | "file";

const pictures: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);
const sounds: ReadonlySet<string> = new Set(
  "audio/webm audio/ogg audio/mp4 audio/mpeg audio/aac audio/wav audio/flac".split(" "),
);
// What a double click would run, or open as a page with scripts of its own.
const programs: ReadonlySet<string> = new Set(
  (
    "exe msi bat cmd com scr pif cpl ps1 vbs vbe js jse mjs wsf wsh hta jar app dmg pkg deb rpm apk appimage sh bash command " +
    "desktop lnk url reg iso img docm xlsm pptm html htm xhtml shtml svg svgz xml xht mht mhtml swf"
  ).split(" "),
);

/** How an attachment is shown. What says that it is larger than can be shown is a file. */
export function kindOf({ type, voice, width, height }: Attachment): Kind {
  if (voice === true && sounds.has(type)) return "voice";
  const fits = width === undefined || height === undefined || isShowable({ width, height });
  return pictures.has(type) && fits ? "picture" : "file";
}

/** How a name ends, without its full stop, in lower case: that is what decides what the system does with it. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

/** Whether opening a file of that name may run what is in it. */
export const mayRun = (name: string): boolean => programs.has(extensionOf(name));

const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** A number of bytes in words. */
export function sizeText(bytes: number, language: string): string {
  const step = bytes < 1_000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const unit = units[step] ?? "byte";
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: step < 2 ? 0 : 1,
  }).format(bytes / 1_000 ** step);
}

/** Minutes and seconds, as clocks show them. */
export function clockText(ms: number): string {
  const sec = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(sec / 60)}:${String(sec % 60).padStart(2, "0")}`;
}
