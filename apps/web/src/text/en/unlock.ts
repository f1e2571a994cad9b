export const unlock = {
  title: "Welcome back",
  intro: "Your messages are encrypted in this browser. The passphrase opens them.",
  passphrase: "Passphrase",
  code: "Code",
  next: "Continue",
  show: "Show the passphrase",
  hide: "Hide the passphrase",
  action: "Unlock",
  working: "Unlocking …",
  forgot: "Forgot it?",
  forgotText:
    "Nobody can recover a passphrase. With your recovery key, or from another device, you can begin anew in this browser.",
} as const;
