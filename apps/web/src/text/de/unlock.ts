export const unlock = {
  title: "Willkommen zurück",
  intro: "Deine Nachrichten liegen verschlüsselt in diesem Browser. Die Passphrase öffnet sie.",
  passphrase: "Passphrase",
  code: "Code",
  next: "Weiter",
  show: "Passphrase zeigen",
  hide: "Passphrase verbergen",
  action: "Entsperren",
  working: "Entsperrt …",
  forgot: "Vergessen?",
  forgotText:
    "Niemand kann eine Passphrase wiederherstellen. Mit dem Wiederherstellungsschlüssel oder von einem anderen Gerät aus kannst du in diesem Browser neu beginnen.",
};
