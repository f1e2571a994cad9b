/** Beside the passphrase on the lock. */
export const locked = {
  passkey: "Use a passkey",
  passkeyWorking: "Waiting for your passkey …",
  passkeyFailed: "That passkey did not open it, or it was cancelled. The passphrase works as ever.",
  forgot: "Forgot it?",
  forgotText:
    "Nobody can recover a passphrase. With your recovery key, or from another device, you can begin anew in this browser.",
  begin: "Begin anew in this browser",
  beginText:
    "Everything that this browser holds of your account is deleted, all messages with it. This cannot be undone.",
  beginAction: "Delete everything here",
} as const;
