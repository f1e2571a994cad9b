const timeSpan = (minutes: number): string =>
  minutes < 120
    ? `${minutes} minutes`
    : minutes < 2_880
      ? `${Math.round(minutes / 60)} hours`
      : `${Math.round(minutes / 1_440)} days`;

export const common = {
  appName: "Sotto",
  back: "Back",
  cancel: "Cancel",
  undo: "Undo",
  close: "Close",
  retry: "Try again",
  loading: "Loading",
  language: "Language",
  lock: "Lock this browser",
  you: "You",
  today: "Today",
  yesterday: "Yesterday",
  offline: "Offline. What you write goes out as soon as the server is there.",
  connecting: "Connecting",
  clockOff: (minutes: number, ahead: boolean) =>
    `This device's clock is ${timeSpan(minutes)} ${ahead ? "ahead of" : "behind"} the server's. Set date, time and time zone right: others see wrong times.`,
  online: "Connected",
  verified: "Verified",
  updateReady: "A new version of Sotto is ready. Your passphrase is needed again after it.",
  partMissing:
    "A part of Sotto could not be loaded. The server may have a newer version, or cannot be reached: reload the page when you are online.",
  updateReload: "Reload",
  updateLater: "Later",
  updateWaiting: "The new version comes as soon as what is under way is finished …",
  updateBusy: "Something is still under way in a tab. Try again when it is finished.",
  otherVersion:
    "Another tab runs another version of Sotto. Reload that tab, or close it: then it goes on here.",
  skipToMessages: "Skip to the conversation",
} as const;
