/** What is shown of a device that asks to be linked; equal in `sotto devices approve` and in the chat. */
import type { LinkRequest } from "@sotto/client";
import { formatTime, sanitiseLine } from "@sotto/client/readable";

/** What must be typed before a device is let in. */
export const approvalWord = "link";

/** What people must know before they let a device in. */
export const approvalWarning =
  "It will read and write everything of yours. A code that somebody sent or told you is a FRAUD, whoever they say they are: " +
  "only a device in front of you, which shows this code, is yours.";

/** Names and values, sanitised. All but the address is the device's own words. @param nowSec seconds since 1970. */
export function requestRows(request: LinkRequest, nowSec: number): readonly (readonly [string, string])[] {
  const { name, platform, address, askedAt, code } = request;
  const agoSec = Math.max(0, Math.round(nowSec - askedAt));
  const ago = agoSec < 120 ? `${agoSec} seconds` : `${Math.round(agoSec / 60)} minutes`;
  return [
    ["Code", code],
    ["Calls itself", sanitiseLine(name) || "(no name)"],
    ["Runs", sanitiseLine(platform) || "(not said)"],
    ["Asks from", `${sanitiseLine(address)} (as the server saw it)`],
    ["Asked at", `${formatTime(askedAt)}, ${ago} ago`],
  ];
}
