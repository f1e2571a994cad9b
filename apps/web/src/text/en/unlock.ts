export const unlock = {
  title: "Welcome back",
  intro: "Your messages are encrypted in this browser. The passphrase opens them.",
  passphrase: "Passphrase",
  show: "Show the passphrase",
  hide: "Hide the passphrase",
  action: "Unlock",
  working: "Unlocking …",
} as const;
