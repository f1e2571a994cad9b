export const unlock = {
  title: "Willkommen zurück",
  intro: "Deine Nachrichten liegen verschlüsselt in diesem Browser. Die Passphrase öffnet sie.",
  passphrase: "Passphrase",
  show: "Passphrase zeigen",
  hide: "Passphrase verbergen",
  action: "Entsperren",
  working: "Entsperrt …",
};
