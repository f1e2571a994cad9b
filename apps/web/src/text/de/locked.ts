export const locked = {
  passkey: "Einen Passkey benutzen",
  passkeyWorking: "Wartet auf deinen Passkey …",
  passkeyFailed:
    "Dieser Passkey hat es nicht geöffnet, oder es wurde abgebrochen. Die Passphrase gilt wie immer.",
  forgot: "Vergessen?",
  forgotText:
    "Niemand kann eine Passphrase wiederherstellen. Mit dem Wiederherstellungsschlüssel oder von einem anderen Gerät aus kannst du in diesem Browser neu beginnen.",
  begin: "In diesem Browser neu beginnen",
  beginText:
    "Alles, was dieser Browser von deinem Konto hat, wird gelöscht, alle Nachrichten mit. Das lässt sich nicht rückgängig machen.",
  beginAction: "Hier alles löschen",
};
