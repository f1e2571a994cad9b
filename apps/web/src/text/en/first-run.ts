/** The first steps in a browser. */
export const firstRun = {
  stepOf: (step: number, steps: number) => `Step ${step} of ${steps}`,
  next: "Continue",
  later: "Later",

  welcomeTitle: "Welcome to Sotto",
  welcomeText:
    "Messages that only you and the people you write to can read. No one else, not even this server.",
  create: "Create an account",
  link: "Link to an existing device",
  recover: "I lost all my devices",
  restore: "I have a backup file",
  closed:
    "This server takes no new accounts at the moment. You can link this browser to an account you have.",

  serverTitle: "This server",
  serverLoading: "Asking the server for its key",
  serverInvited: "It has the key that your invite link names. Nobody sits in between.",
  serverPinned: "This browser remembers its key from now on, and notices if it ever changes.",
  serverKey: "Fingerprint of its key",
  serverWhy:
    "The fingerprint names the one key that this server has. Whoever runs it sees the same line when it starts, and it is part of every invite link. Compare the two if you want to be sure that nobody poses as this server.",
  serverCompare: "Compare with an invite link or fingerprint",
  serverCompareAction: "Compare",
  serverEqual: "It is the same. You are at the right server.",
  serverNotOne: "That is neither an invite link nor a fingerprint (43 characters).",
  linkDamaged:
    "The link that brought you here is damaged: what stands after # is no fingerprint. Ask for it again, and copy it whole.",

  mismatchTitle: "This is not the server you expect",
  mismatchText:
    "Its key is another one. Somebody may pose as the server, or it was set up anew. Do not go on: ask the person who runs it, by another way than this page, which fingerprint is right.",
  mismatchExpected: "Expected",
  mismatchFound: "Found",
  mismatchAgain: "Check again",

  phoneTitle: "Your phone number",
  phoneText: "People find you by it. A code will show that it is yours.",
  phone: "Phone number",
  country: "Country",
  useEmail: "Use an e-mail address instead",
  emailTitle: "Your e-mail address",
  emailText: "People find you by it. A code will show that it is yours.",
  email: "E-mail address",
  usePhone: "Use a phone number instead",
  recoverTitle: "Which account was it?",
  recoverText: "The phone number or e-mail address of your account. A code will show that it is yours.",
  phoneMissing: "Type your phone number.",
  phoneWrong:
    "That is no phone number of this country. Check the digits, or begin with + and the country's code.",
  emailMissing: "Type your e-mail address.",
  emailWrong: "That is no e-mail address. It looks like name@example.org.",
  requesting: "Sending a code …",

  nameTitle: "What is your name?",
  nameText: "People you write to see it. You can change it later, or leave it out.",
  name: "Name",

  passphraseTitle: "Choose a passphrase",
  passphraseText:
    "It encrypts everything that Sotto keeps in this browser, and you type it when you come back. It never leaves this device, so nobody can restore it.",
  passphraseLinkText:
    "It encrypts everything that Sotto keeps in this browser. It may be another one than on your other devices.",
  passphrase: "Passphrase",
  repeat: "Repeat the passphrase",
  show: "Show",
  hide: "Hide",
  suggest: "Suggest one",
  suggested: "Write it down until you know it by heart.",
  passphraseMissing: "Choose a passphrase. Without one, anybody at this computer could read your messages.",
  repeatWrong: "The two are not equal. Type the passphrase again, or show it.",
  weakTitle: "This passphrase is easy to guess",
  weakText: (time: string) =>
    `Whoever copies the files of this computer would find it in ${time}. Four or five random words are far better.`,
  weakAnyway: "Use it anyway",
  strength: ["Very weak", "Weak", "Fair", "Good", "Strong"] as readonly string[],
  strengthLabel: (word: string) => `Strength: ${word}`,
  strengthTime: (time: string) => `A thief with one computer needs ${time}`,
  timeInstant: "no time at all",
  timeCenturies: "centuries",

  codeTitle: "Type the code",
  codeText: (to: string) => `We sent six digits to ${to}.`,
  code: "Code",
  codeShort: "The code has six digits.",
  change: "Change it",
  resendIn: (seconds: number) => `No code? Ask for another one in ${seconds} s`,
  resend: "Send another code",
  resent: "Another code is on its way.",
  making: "Making your keys. This takes a few seconds.",
  recovering: "Opening your account. This takes a few seconds.",
  tryAgain: "Try again",
  takenTitle: "There is an account already",
  takenText: (who: string) => `${who} has an account on this server. Which of these fits?`,
  takenLink: "I have a device with it",
  takenRecover: "I have my recovery key",
  unfinishedPassphrase:
    "An earlier try left an unfinished account in this browser, under another passphrase. Reload the page and type that one, or go back and use it.",
  unfinishedTitle: "Your account was not finished",
  unfinishedText: "Something came in between. What was made is kept: a new code finishes it.",

  keyTitle: "Keep your recovery key",
  keyText:
    "If you lose every device, only this key brings your account back. Print it, write it down or put it in a password manager. Never give it to anybody.",
  keyLabel: "Recovery key",
  keyCopy: "Copy",
  keyCopied: "Copied",
  keyDownload: "Download",
  keyPrint: "Print",
  keyShow: "Show the recovery key",
  keyShowText: "The passphrase shows it once more.",
  keyConfirm: "Type the last group of four",
  keyConfirmHint: "So that you have it in front of you when you need it.",
  keyConfirmWrong: "That is not the last group. Look at the end of the key that you kept.",
  keyLater: "I will keep it later",
  keyFileName: "sotto-recovery-key.txt",
  keyFile: (key: string, who: string, server: string) =>
    [
      "Sotto recovery key",
      "",
      key,
      "",
      `Account: ${who}`,
      `Server:  ${server}`,
      "",
      "With this key and a code sent to you, your account comes back when every device is lost.",
      "Whoever has it can do the same. Keep it on paper or in a password manager, and give it to nobody.",
      "",
    ].join("\r\n"),

  passkeyTitle: "Unlock with a passkey?",
  passkeyText:
    "Your finger, your face or this device's PIN can unlock Sotto in this browser. The passphrase goes on working.",
  passkeyAdd: "Set up a passkey",
  passkeyNot: "Not now",
  passkeyFailed: "That did not work, or was cancelled. You can try again, or do it later in the settings.",
  passkeyNoPrf:
    "This passkey cannot keep a secret for Sotto, so it cannot unlock it. Another device or password manager may.",

  linkTitle: "Link this browser",
  linkHow: [
    "Open Sotto on a device that you have",
    "There, go to Settings, Devices, Link a device (in the terminal: sotto devices approve)",
    "Scan this picture, or type the code",
  ] as readonly string[],
  linkQr: (code: string) => `QR code with the link code ${code}`,
  linkCode: "Link code",
  linkWaiting: "Waiting for your other device …",
  linkMaking: "Making a code …",
  linkWarning: "Give the code to nobody. It works for ten minutes.",
  linkExpiredTitle: "The code has expired",
  linkExpiredText: "Nobody approved it in time. Ask for a new one when your other device is at hand.",
  linkNew: "New code",
  linkedTitle: "This browser is linked",
  linkedText: (who: string) => `It now belongs to the account of ${who}.`,
  linkedHistory:
    "Your contacts, groups and messages come from your other device. Keep it online until they are here.",
  linkedProgress: (done: number, parts: number) => `History: ${done} of ${parts} parts`,
  linkedWaiting: "Waiting for the history …",
  linkedDone: "The history is here.",
  linkedGo: "Open Sotto",
  linkedNotMine: "That is not my account",
  linkedNotMineText:
    "Then somebody else approved your code, to read what you write here. Remove the account from this browser and begin anew.",
  linkedRemove: "Remove it from this browser",

  keyEntryTitle: "Your recovery key",
  keyEntryText:
    "Eight groups of four letters and digits, as you kept them. Capitals, spaces and dashes do not matter.",
  keyEntryShort: (typed: number) => `A recovery key has 32 letters and digits; these are ${typed}.`,
  keyEntryWrong: "This key does not open that account. Check it letter by letter.",
  keyLost: "I lost the key as well",
  recoveredTitle: "Your account is back",
  recoveredText:
    "Your contacts and whom you verified are here; messages stayed on the lost devices. Those devices are signed out, and groups come back as their members notice you.",

  backupTitle: "Your backup file",
  backupText: "Contacts, groups and messages come from it. A code will show that the account is yours.",
  backupFile: "File",
  backupChoose: "Choose a file",
  backupPassphrase: "The backup's passphrase",
  backupMissing: "Choose the file that you saved.",
  backupPassphraseMissing: "Type the passphrase that you chose for the backup.",
  backupOthersLost: "My other devices are lost: sign them out",
  backupLooking: "Looking whether the file is whole …",
  backupElsewhere: (server: string) =>
    `This backup is of an account on another server. Open Sotto there: ${server}`,
  restoredText:
    "Contacts and messages are here. Groups come back as their members notice this browser; what was written since the backup is on your other devices.",

  resetTitle: "Begin anew under your number",
  resetText:
    "Without a device and without the recovery key, the old account cannot come back. You can give your number or address a new one.",
  resetPoints: [
    "Old messages, groups and contacts do not come back.",
    "There is a delay, in which a device of the old account can object. So nobody can take your account just by getting hold of your number.",
    "Everybody you wrote to is told that your account is another, and should verify you again.",
  ] as readonly string[],
  resetGo: "Begin anew",
  waitingTitle: "The delay is running",
  waitingText: (who: string) => `${who} leads to your new account once you finish this here.`,
  waitingFrom: "Finish from",
  waitingUntil: "Finish until",
  waitingHow:
    "Come back to this page in this browser, with the passphrase that you chose. Until then nothing else is needed.",
  waitingFinish: "Finish now",
  waitingEarly: (time: string) => `It can be finished ${time}.`,
  waitingLapsed: "The time to finish it has run out. Begin it anew.",
  resetObjected:
    "A device of the old account stopped it, or its time had run out: the delay begins once more. If such a device is yours, link this browser to it instead.",

  discard: "Give it up and begin anew",
  discardText: "What was begun in this browser is deleted. This cannot be undone.",
  discardAction: "Delete it",
} as const;
