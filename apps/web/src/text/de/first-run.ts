export const firstRun = {
  stepOf: (step: number, steps: number) => `Schritt ${step} von ${steps}`,
  next: "Weiter",
  later: "Später",

  welcomeTitle: "Willkommen bei Sotto",
  welcomeText:
    "Nachrichten, die nur du und die Menschen lesen können, denen du schreibst. Sonst niemand, auch dieser Server nicht.",
  create: "Konto anlegen",
  link: "Mit einem anderen Gerät verknüpfen",
  recover: "Ich habe alle Geräte verloren",
  restore: "Ich habe eine Sicherungsdatei",
  closed:
    "Dieser Server nimmt zurzeit keine neuen Konten an. Du kannst diesen Browser mit einem Konto verknüpfen, das du hast.",

  serverTitle: "Dieser Server",
  serverLoading: "Fragt den Server nach seinem Schlüssel",
  serverInvited: "Er hat den Schlüssel, den deine Einladung nennt. Niemand sitzt dazwischen.",
  serverPinned: "Dieser Browser merkt sich ab jetzt seinen Schlüssel, und merkt, wenn der sich je ändert.",
  serverKey: "Fingerabdruck seines Schlüssels",
  serverWhy:
    "Der Fingerabdruck benennt den einen Schlüssel, den dieser Server hat. Wer ihn betreibt, sieht dieselbe Zeile beim Start, und sie steht in jeder Einladung. Vergleiche die beiden, wenn du sicher sein willst, dass sich niemand als dieser Server ausgibt.",
  serverCompare: "Mit einer Einladung oder einem Fingerabdruck vergleichen",
  serverCompareAction: "Vergleichen",
  serverEqual: "Es ist derselbe. Du bist beim richtigen Server.",
  serverNotOne: "Das ist weder eine Einladung noch ein Fingerabdruck (43 Zeichen).",
  linkDamaged:
    "Der Link, der dich hierher gebracht hat, ist beschädigt: hinter dem # steht kein Fingerabdruck. Lass ihn dir noch einmal geben, und kopiere ihn ganz.",

  mismatchTitle: "Das ist nicht der Server, den du erwartest",
  mismatchText:
    "Sein Schlüssel ist ein anderer. Vielleicht gibt sich jemand als der Server aus, oder er wurde neu aufgesetzt. Mach nicht weiter: frag den, der ihn betreibt, auf einem anderen Weg als dieser Seite, welcher Fingerabdruck stimmt.",
  mismatchExpected: "Erwartet",
  mismatchFound: "Gefunden",
  mismatchAgain: "Noch einmal prüfen",

  phoneTitle: "Deine Telefonnummer",
  phoneText: "Unter ihr findet man dich. Ein Code zeigt gleich, dass sie deine ist.",
  phone: "Telefonnummer",
  country: "Land",
  useEmail: "Stattdessen eine E-Mail-Adresse nehmen",
  emailTitle: "Deine E-Mail-Adresse",
  emailText: "Unter ihr findet man dich. Ein Code zeigt gleich, dass sie deine ist.",
  email: "E-Mail-Adresse",
  usePhone: "Stattdessen eine Telefonnummer nehmen",
  recoverTitle: "Welches Konto war es?",
  recoverText:
    "Die Telefonnummer oder E-Mail-Adresse deines Kontos. Ein Code zeigt gleich, dass sie deine ist.",
  phoneMissing: "Gib deine Telefonnummer ein.",
  phoneWrong:
    "Das ist keine Telefonnummer dieses Landes. Prüfe die Ziffern, oder beginne mit + und der Vorwahl des Landes.",
  emailMissing: "Gib deine E-Mail-Adresse ein.",
  emailWrong: "Das ist keine E-Mail-Adresse. Sie sieht aus wie name@example.org.",
  requesting: "Sendet einen Code …",

  nameTitle: "Wie heißt du?",
  nameText: "Das sehen die Menschen, denen du schreibst. Du kannst es später ändern, oder es weglassen.",
  name: "Name",

  passphraseTitle: "Wähle eine Passphrase",
  passphraseText:
    "Sie verschlüsselt alles, was Sotto in diesem Browser aufhebt, und du gibst sie ein, wenn du wiederkommst. Sie verlässt dieses Gerät nie, darum kann niemand sie wiederherstellen.",
  passphraseLinkText:
    "Sie verschlüsselt alles, was Sotto in diesem Browser aufhebt. Sie darf eine andere sein als auf deinen anderen Geräten.",
  passphrase: "Passphrase",
  repeat: "Passphrase wiederholen",
  show: "Zeigen",
  hide: "Verbergen",
  suggest: "Eine vorschlagen",
  suggested: "Schreib sie auf, bis du sie auswendig kannst.",
  passphraseMissing:
    "Wähle eine Passphrase. Ohne sie könnte jeder an diesem Computer deine Nachrichten lesen.",
  repeatWrong: "Die beiden sind nicht gleich. Gib die Passphrase noch einmal ein, oder lass sie dir zeigen.",
  weakTitle: "Diese Passphrase ist leicht zu erraten",
  weakText: (time: string) =>
    `Wer die Dateien dieses Computers kopiert, fände sie in ${time}. Vier oder fünf zufällige Wörter sind viel besser.`,
  weakAnyway: "Trotzdem nehmen",
  strength: ["Sehr schwach", "Schwach", "Mäßig", "Gut", "Stark"] as readonly string[],
  strengthLabel: (word: string) => `Stärke: ${word}`,
  strengthTime: (time: string) => `Ein Dieb mit einem Computer braucht ${time}`,
  timeInstant: "gar keine Zeit",
  timeCenturies: "Jahrhunderte",

  codeTitle: "Gib den Code ein",
  codeText: (to: string) => `Wir haben sechs Ziffern an ${to} gesendet.`,
  code: "Code",
  codeShort: "Der Code hat sechs Ziffern.",
  change: "Ändern",
  resendIn: (seconds: number) => `Kein Code da? In ${seconds} s kannst du einen neuen anfordern`,
  resend: "Noch einen Code senden",
  resent: "Ein neuer Code ist unterwegs.",
  making: "Deine Schlüssel entstehen. Das dauert ein paar Sekunden.",
  recovering: "Dein Konto wird geöffnet. Das dauert ein paar Sekunden.",
  tryAgain: "Noch einmal versuchen",
  takenTitle: "Es gibt schon ein Konto",
  takenText: (who: string) => `${who} hat ein Konto auf diesem Server. Was davon passt?`,
  takenLink: "Ich habe ein Gerät damit",
  takenRecover: "Ich habe den Wiederherstellungsschlüssel",
  unfinishedPassphrase:
    "Ein früherer Versuch hat in diesem Browser ein unfertiges Konto gelassen, unter einer anderen Passphrase. Lade die Seite neu und gib jene ein, oder geh zurück und nimm sie.",
  unfinishedTitle: "Dein Konto ist nicht fertig geworden",
  unfinishedText: "Etwas kam dazwischen. Was entstanden ist, ist noch da: ein neuer Code macht es fertig.",

  keyTitle: "Bewahre deinen Wiederherstellungsschlüssel auf",
  keyText:
    "Wenn du alle Geräte verlierst, bringt nur dieser Schlüssel dein Konto zurück. Drucke ihn, schreib ihn auf, oder lege ihn in einen Passwortspeicher. Gib ihn nie jemandem.",
  keyLabel: "Wiederherstellungsschlüssel",
  keyCopy: "Kopieren",
  keyCopied: "Kopiert",
  keyDownload: "Herunterladen",
  keyPrint: "Drucken",
  keyShow: "Schlüssel zeigen",
  keyShowText: "Die Passphrase zeigt ihn noch einmal.",
  keyConfirm: "Gib die letzte Vierergruppe ein",
  keyConfirmHint: "Damit du ihn vor dir hast, wenn du ihn brauchst.",
  keyConfirmWrong:
    "Das ist nicht die letzte Gruppe. Sieh am Ende des Schlüssels nach, den du aufbewahrt hast.",
  keyLater: "Ich mache das später",
  keyFileName: "sotto-wiederherstellungsschluessel.txt",
  keyFile: (key: string, who: string, server: string) =>
    [
      "Wiederherstellungsschlüssel für Sotto",
      "",
      key,
      "",
      `Konto:  ${who}`,
      `Server: ${server}`,
      "",
      "Mit diesem Schlüssel und einem Code, der an dich gesendet wird, kommt dein Konto zurück, wenn alle Geräte verloren sind.",
      "Wer ihn hat, kann das auch. Bewahre ihn auf Papier oder in einem Passwortspeicher auf, und gib ihn niemandem.",
      "",
    ].join("\r\n"),

  passkeyTitle: "Mit einem Passkey entsperren?",
  passkeyText:
    "Dein Finger, dein Gesicht oder die PIN dieses Geräts kann Sotto in diesem Browser entsperren. Die Passphrase gilt weiter.",
  passkeyAdd: "Passkey einrichten",
  passkeyNot: "Jetzt nicht",
  passkeyFailed:
    "Das hat nicht geklappt, oder es wurde abgebrochen. Du kannst es noch einmal versuchen, oder später in den Einstellungen.",
  passkeyNoPrf:
    "Dieser Passkey kann kein Geheimnis für Sotto aufheben, darum kann er es nicht entsperren. Ein anderes Gerät oder ein anderer Passwortspeicher kann es vielleicht.",

  linkTitle: "Diesen Browser verknüpfen",
  linkHow: [
    "Öffne Sotto auf einem Gerät, das du hast",
    "Geh dort zu Einstellungen, Geräte, Gerät verknüpfen (im Terminal: sotto devices approve)",
    "Scanne dieses Bild, oder gib den Code ein",
  ] as readonly string[],
  linkQr: (code: string) => `QR-Code mit dem Verknüpfungscode ${code}`,
  linkCode: "Verknüpfungscode",
  linkWaiting: "Wartet auf dein anderes Gerät …",
  linkMaking: "Macht einen Code …",
  linkWarning: "Gib den Code niemandem. Er gilt zehn Minuten.",
  linkExpiredTitle: "Der Code ist abgelaufen",
  linkExpiredText:
    "Niemand hat ihn rechtzeitig bestätigt. Hol dir einen neuen, wenn dein anderes Gerät zur Hand ist.",
  linkNew: "Neuer Code",
  linkedTitle: "Dieser Browser ist verknüpft",
  linkedText: (who: string) => `Er gehört jetzt zum Konto von ${who}.`,
  linkedHistory:
    "Deine Kontakte, Gruppen und Nachrichten kommen von deinem anderen Gerät. Lass es online, bis sie hier sind.",
  linkedProgress: (done: number, parts: number) => `Verlauf: ${done} von ${parts} Teilen`,
  linkedWaiting: "Wartet auf den Verlauf …",
  linkedDone: "Der Verlauf ist da.",
  linkedGo: "Sotto öffnen",
  linkedNotMine: "Das ist nicht mein Konto",
  linkedNotMineText:
    "Dann hat jemand anders deinen Code bestätigt, um zu lesen, was du hier schreibst. Entferne das Konto aus diesem Browser, und beginne von vorn.",
  linkedRemove: "Aus diesem Browser entfernen",

  keyEntryTitle: "Dein Wiederherstellungsschlüssel",
  keyEntryText:
    "Acht Gruppen aus vier Buchstaben und Ziffern, wie du sie aufbewahrt hast. Großbuchstaben, Leerzeichen und Striche sind egal.",
  keyEntryShort: (typed: number) =>
    `Ein Wiederherstellungsschlüssel hat 32 Buchstaben und Ziffern; das sind ${typed}.`,
  keyEntryWrong: "Dieser Schlüssel öffnet jenes Konto nicht. Prüfe ihn Zeichen für Zeichen.",
  keyLost: "Den Schlüssel habe ich auch verloren",
  recoveredTitle: "Dein Konto ist zurück",
  recoveredText:
    "Deine Kontakte sind da, und wen du geprüft hast; die Nachrichten blieben auf den verlorenen Geräten. Die sind abgemeldet, und Gruppen kommen zurück, sobald ihre Mitglieder dich bemerken.",

  backupTitle: "Deine Sicherung",
  backupText: "Kontakte, Gruppen und Nachrichten kommen aus ihr. Ein Code zeigt, dass das Konto deines ist.",
  backupFile: "Datei",
  backupChoose: "Datei wählen",
  backupPassphrase: "Passphrase der Sicherung",
  backupMissing: "Wähle die Datei, die du gespeichert hast.",
  backupPassphraseMissing: "Gib die Passphrase ein, die du für die Sicherung gewählt hast.",
  backupOthersLost: "Meine anderen Geräte sind verloren: abmelden",
  backupLooking: "Sieht nach, ob die Datei vollständig ist …",
  backupElsewhere: (server: string) =>
    `Diese Sicherung gehört zu einem Konto auf einem anderen Server. Öffne Sotto dort: ${server}`,
  restoredText:
    "Kontakte und Nachrichten sind hier. Gruppen kommen zurück, sobald ihre Mitglieder diesen Browser bemerken; was seit der Sicherung geschrieben wurde, ist auf deinen anderen Geräten.",

  resetTitle: "Unter deiner Nummer neu beginnen",
  resetText:
    "Ohne ein Gerät und ohne den Wiederherstellungsschlüssel kommt das alte Konto nicht zurück. Du kannst deiner Nummer oder Adresse ein neues geben.",
  resetPoints: [
    "Alte Nachrichten, Gruppen und Kontakte kommen nicht zurück.",
    "Es gibt eine Wartezeit, in der ein Gerät des alten Kontos widersprechen kann. So kann dir niemand das Konto nehmen, nur weil er an deine Nummer gekommen ist.",
    "Alle, denen du geschrieben hast, erfahren, dass dein Konto ein anderes ist, und sollten dich neu prüfen.",
  ] as readonly string[],
  resetGo: "Neu beginnen",
  waitingTitle: "Die Wartezeit läuft",
  waitingText: (who: string) => `${who} führt zu deinem neuen Konto, sobald du es hier abschließt.`,
  waitingFrom: "Abschließen ab",
  waitingUntil: "Abschließen bis",
  waitingHow:
    "Komm in diesem Browser auf diese Seite zurück, mit der Passphrase, die du gewählt hast. Bis dahin ist nichts weiter nötig.",
  waitingFinish: "Jetzt abschließen",
  waitingEarly: (time: string) => `Es lässt sich ${time} abschließen.`,
  waitingLapsed: "Die Zeit zum Abschließen ist vorbei. Beginne noch einmal.",
  resetObjected:
    "Ein Gerät des alten Kontos hat es gestoppt, oder die Zeit war abgelaufen: die Wartezeit beginnt noch einmal. Wenn so ein Gerät dir gehört, verknüpfe diesen Browser lieber damit.",

  discard: "Aufgeben und von vorn beginnen",
  discardText: "Was in diesem Browser begonnen wurde, wird gelöscht. Das lässt sich nicht rückgängig machen.",
  discardAction: "Löschen",
};
