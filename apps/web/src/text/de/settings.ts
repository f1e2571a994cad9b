export const settings = {
  title: "Einstellungen",
  back: "Zurück zu den Einstellungen",

  account: "Konto",
  accountHint: "Name, Nummer, Wiederherstellungsschlüssel",
  security: "Passphrase und Sperre",
  securityHint: "Ändern, Passkeys, bei Untätigkeit sperren",
  appearance: "Aussehen",
  appearanceHint: "Hell oder dunkel, Sprache",
  privacy: "Privatsphäre",
  privacyHint: "Lesebestätigungen, Blockierte",
  notifications: "Mitteilungen",
  notificationsHint: "Was das System von neuen Nachrichten zeigen darf",
  devices: "Geräte",
  devicesHint: "Wo dein Konto ist, ein weiteres verknüpfen",
  backup: "Sicherung",
  backupHint: "Alles speichern, oder eine lesbare Kopie",
  server: "Was der Server weiß",
  serverHint: "In einfachen Worten",
  shortcuts: "Tastenkürzel",
  shortcutsHint: "Alles ohne Maus",
  about: "Über Sotto",
  aboutHint: "Version, Server, Fingerabdruck",
  lockNow: "Jetzt sperren",

  resetTitle: "Jemand will dein Konto ersetzen",
  resetText: (when: string) =>
    `Wer das war, kann Codes für deine Nummer oder Adresse empfangen. Ab ${when} kann er sie übernehmen, wenn du es nicht stoppst.`,
  resetStop: "Stoppen",
  resetStopped: "Es ist gestoppt. Finde heraus, wer Codes für dich empfangen kann.",

  identifier: "So findet man dich",
  name: "Name",
  nameText:
    "Verschlüsselt den Menschen mitgeteilt, denen du schreibst. Leer: sie sehen nur deine Nummer oder Adresse.",
  nameSave: "Speichern",
  nameSaved: "Gespeichert.",
  recovery: "Wiederherstellungsschlüssel",
  recoveryText: "Mit ihm und einem Code kommt dein Konto zurück, wenn alle Geräte verloren sind.",
  recoveryLater:
    "Du hast den Wiederherstellungsschlüssel noch nicht aufbewahrt. Tu es jetzt: wenn du dieses Gerät ohne ihn verlierst, ist dein Konto weg.",
  recoveryKept: "Ich habe ihn aufbewahrt",
  recoveryElsewhere:
    "Er ist nicht auf diesem Gerät. Sieh auf dem Gerät nach, auf dem du das Konto angelegt hast: dort zeigt ihn Sotto.",
  removeTitle: "Aus diesem Browser entfernen",
  removeText:
    "Löscht das Konto und alle Nachrichten in diesem Browser. Deine anderen Geräte behalten ihre; nimm dort diesen Browser von der Liste der Geräte.",
  removeLast:
    "Das ist dein einziges Gerät. Ohne den Wiederherstellungsschlüssel bringt nichts das Konto zurück, und die Nachrichten hier sind endgültig weg.",
  removeAsk: "Entfernen …",
  removeAction: "Hier alles entfernen",
  deleteTitle: "Konto löschen",
  deleteText:
    "Überall: auf dem Server und in diesem Browser. Deine Nummer oder Adresse kann später neu registriert werden.",
  deleteAsk: "Konto löschen …",
  deletePoints: [
    "Du verlässt alle Gruppen, und die Dateien, die du geschickt hast, werden auf dem Server gelöscht: wer sie noch nicht geholt hat, kann es nicht mehr.",
    "Der Server löscht alles, was er von dir hat. Verschlüsselte Nachrichten, die auf andere warten, laufen dort von selbst ab.",
    "Andere behalten, was sie bekommen haben. Wer dir schreibt, findet niemanden mehr.",
    "Deine anderen Geräte werden abgemeldet; was darauf ist, bleibt, bis du es dort entfernst.",
    "Nichts bringt es zurück: der Wiederherstellungsschlüssel öffnet nichts mehr.",
  ] as readonly string[],
  deleteSure: "Ich will mein Konto löschen und weiß, dass es sich nicht rückgängig machen lässt",
  deleteAction: "Endgültig löschen",
  deleteWorking: "Löscht …",
  deletedElsewhere:
    "Dieses Konto wurde auf einem anderen Gerät gelöscht. Was hier ist, bleibt lesbar; entferne es, wenn du es nicht mehr brauchst.",

  backupTitle: "Verschlüsselte Sicherung",
  backupText:
    "Eine Datei mit deinem Konto, deinen Kontakten und allen Nachrichten. Mit ihrer Passphrase und einem Code an dich wird daraus ein weiteres Gerät des Kontos, hier oder im Terminal. Dateien, die mit Nachrichten kamen, sind nicht darin.",
  backupPassphrase: "Passphrase für die Sicherung",
  backupAction: "Sicherung speichern",
  backupWorking: "Schreibt …",
  backupSaved: (n: number) =>
    n === 1 ? "Gespeichert, mit 1 Nachricht." : `Gespeichert, mit ${n.toLocaleString("de")} Nachrichten.`,
  copyTitle: "Lesbare Kopie",
  copyText: "Zum Aufheben, Drucken oder für ein anderes Programm. Sie bringt kein Konto zurück.",
  copyOf: "Von welcher Unterhaltung",
  copyAll: "Von allen",
  copyFormat: "Als",
  copyHtml: "Seite (HTML)",
  copyPlain: "Text",
  copyWarning: "Die Kopie ist nicht verschlüsselt: wer die Datei hat, kann sie lesen.",
  copyAction: "Kopie speichern",
  copySaved: "Gespeichert.",

  passphrase: "Passphrase ändern",
  passphraseText:
    "Sie gilt für diesen Browser. Nachrichten werden nicht neu verschlüsselt, darum geht es sofort.",
  passphraseCurrent: "Jetzige Passphrase",
  passphraseNew: "Neue Passphrase",
  passphraseAction: "Ändern",
  passphraseAnyway: "Trotzdem nehmen",
  passphraseChanged: "Die Passphrase ist geändert.",
  passkeys: "Passkeys",
  passkeysText:
    "Ein Finger, ein Gesicht oder die PIN dieses Geräts entsperrt Sotto in diesem Browser. Die Passphrase gilt weiter.",
  passkeysNone: "Dieser Browser kann das hier nicht.",
  passkeyAdd: "Passkey hinzufügen",
  passkeyAdded: (when: string) => `Hinzugefügt ${when}`,
  passkeyName: "Passkey",
  passkeyRemove: "Diesen Passkey entfernen",
  passkeyFailed: "Das hat nicht geklappt, oder es wurde abgebrochen.",
  passkeyNoPrf:
    "Dieser Passkey kann kein Geheimnis für Sotto aufheben, darum kann er es nicht entsperren. Ein anderes Gerät oder ein anderer Passwortspeicher kann es vielleicht.",
  idle: "Sperren, wenn niemand es benutzt",
  idleNever: "Nie",
  idleMinutes: (n: number) => (n === 1 ? "Nach 1 Minute" : n < 60 ? `Nach ${n} Minuten` : "Nach 1 Stunde"),
  idleText: "Die Schlüssel verlassen dann den Speicher, und die Passphrase wird wieder gebraucht.",

  theme: "Farben",
  themeSystem: "Wie das System",
  themeLight: "Hell",
  themeDark: "Dunkel",

  receipts: "Lesebestätigungen",
  receiptsText:
    "Andere sehen, wann du ihre Nachrichten gelesen hast. Dass eine Nachricht ankam, wird immer gezeigt.",

  notifyTitle: "Wenn eine Nachricht kommt und niemand in Sotto schaut",
  notifyOff: "Nichts zeigen",
  notifyFull: "Zeigen, wer was geschrieben hat",
  notifyName: "Zeigen, wer geschrieben hat",
  notifyNothing: "Nur zeigen, dass etwas da ist",
  notifyText:
    "Das System zeigt es und behält es vielleicht eine Weile. Stummgeschaltetes, Anfragen und was du auf einem anderen Gerät gelesen hast, bleibt außen vor.",
  notifyRefused:
    "Der Browser lässt das nicht zu. Erlaube Mitteilungen für diese Seite in den Einstellungen des Browsers, und wähle dann noch einmal.",
  push: "Auch wenn Sotto geschlossen ist",
  pushText:
    "Der Server weckt diesen Browser dann über den Push-Dienst seines Herstellers (Google, Mozilla, Apple). Was er schickt, ist leer: der Dienst erfährt, wann etwas für dich kommt, und sonst nichts. Gezeigt wird nur „Neue Nachrichten“, denn was kam, ist verschlossen. Auch Stummgeschaltetes weckt: der Server weiß nicht, was es ist.",
  pushNoServer: "Der Server weckt niemanden oder ist nicht verbunden. Frag, wer ihn betreibt.",
  pushNoBrowser:
    "Der Push-Dienst des Browsers ist nicht zu erreichen. Manche Browser haben keinen, oder er ist ausgeschaltet.",
  notifyCannot: "Dieser Browser zeigt hier keine Mitteilungen. Ein privates Fenster kann der Grund sein.",

  blocked: "Blockierte",
  blockedNone: "Niemand ist blockiert.",
  unblock: "Nicht mehr blockieren",
  blockedText: "Ihre Nachrichten erreichen dich nicht, und sie erfahren es nicht.",

  thisDevice: "Dieses Gerät",
  addedAt: (when: string) => `Seit ${when}`,
  unnamed: "Gerät ohne Namen",
  revoked: "Entfernt",
  revokedTitle: "Vom Konto genommen",
  revoke: "Wegnehmen",
  revokeAsk: (name: string) => `${name} vom Konto nehmen?`,
  revokeText:
    "Es liest und schreibt von da an nichts mehr und verlässt alle Gruppen. Was darauf ist, bleibt dort. Tu das, wenn es verloren oder verkauft ist.",
  revokeAction: "Wegnehmen",
  linkDevice: "Gerät verknüpfen",
  linkHow:
    "Wähle auf dem neuen Gerät „Mit einem anderen Gerät verknüpfen“. Es zeigt ein Bild und einen Code.",
  linkScan: "Das Bild scannen",
  linkCode: "Code auf dem neuen Gerät",
  linkCodeHint: "Vier Vierergruppen, etwa ABCD-EFGH-JKMN-PQRS",
  linkLook: "Ansehen, wer fragt",
  linkCodeWrong: "Das ist kein Verknüpfungscode. Er hat sechzehn Buchstaben und Ziffern.",
  linkRefused:
    "Mit diesem Code fragt niemand. Vielleicht ist er abgelaufen: lass das neue Gerät einen anderen machen.",
  linkWho: "Dieses Gerät möchte verknüpft werden",
  linkName: "Nennt sich",
  linkPlatform: "Darauf läuft",
  linkAddress: "Fragt von",
  linkAddressHint: "wie der Server es sah",
  linkSince: "Seit",
  linkFraud:
    "Es wird alles von dir lesen und schreiben können. Ein Code, den dir jemand geschickt oder genannt hat, ist Betrug, wer auch immer es zu sein behauptet.",
  linkSure: "Das Gerät liegt vor mir, es ist meines, und es zeigt diesen Code",
  linkAction: "Dieses Gerät verknüpfen",
  linkLinking: "Verknüpft …",
  linkDone:
    "Es ist verknüpft. Kontakte, Gruppen und Nachrichten gehen hinüber, solange beide Geräte online sind.",
  linkAgain: "Zurück zu den Geräten",

  scanTitle: "Richte die Kamera auf das Bild",
  scanNo:
    "Die Kamera lässt sich nicht benutzen. Erlaube sie in den Einstellungen des Browsers für diese Seite, oder gib den Code ein.",
  scanStop: "Aufhören",

  knowsIntro:
    "Der Server trägt deine Nachrichten weiter und sieht nie, was darin steht. Hier steht, was er doch erfährt, auch wenn sein Betreiber neugierig ist oder jemand bei ihm eingebrochen ist.",
  knowsMust: "Was er wissen muss",
  knowsMustPoints: [
    "Dass deine Nummer oder Adresse hier ein Konto hat. Er hebt sie als Hash mit Schlüssel auf, und liest sie, wenn du dich anmeldest und wenn jemand nach dir sucht.",
    "Wie viele Geräte du hast, seit wann, und ihre öffentlichen Schlüssel. Ihre Namen sind verschlüsselt.",
    "Nachrichten, die auf ein Gerät warten, das gerade nicht da ist: verschlüsselt, und gelöscht, sobald es sie hat.",
    "Verschlüsselte Dateien für einige Zeit, mit aufgerundeter Größe, ohne Namen und ohne wessen sie sind.",
    "Wenn du ihm erlaubst, diesen Browser zu wecken, während Sotto geschlossen ist: die Adresse des Push-Dienstes des Browsers für dieses Gerät, bis du das ausschaltest oder das Gerät abgemeldet wird.",
  ] as readonly string[],
  knowsSees: "Was er sehen kann, während es geschieht",
  knowsSeesPoints: [
    "Wann du verbunden bist, und von welcher Netzadresse.",
    "Welche Verbindung welche Unterhaltung liest und schreibt. Was nicht gespeichert wird, kann ein böswilliger Betreiber doch beobachten.",
    "Wann etwas gesendet wird, ungefähr wie groß es ist, und ob es etwas zum Lesen ist oder nur ein Zeichen wie „zugestellt“.",
    "Nachrichten unter der klassischen Verschlüsselung zeigen, von wem und für wen sie sind, bis sie zugestellt sind.",
  ] as readonly string[],
  knowsNever: "Was er nie erfährt",
  knowsNeverPoints: [
    "Was du schreibst, schickst, sagst, und womit du reagierst.",
    "Namen von Menschen, Gruppen und Dateien; Bilder von Gruppen.",
    "Wen du geprüft, angeheftet, stummgeschaltet oder archiviert hast; wonach du suchst.",
    "Deine Passphrase, deinen Wiederherstellungsschlüssel, und jeden privaten Schlüssel.",
    "Von seiner Platte: wer wem schreibt. Unterhaltungen haben dort zufällige Namen, und keine Mitglieder.",
  ] as readonly string[],
  knowsCheat: "Was er nicht unbemerkt tun kann",
  knowsCheatPoints: [
    "Ein Gerät auf dein Konto setzen, oder ein Mitglied in eine Gruppe: dafür braucht es Unterschriften, die er nicht leisten kann.",
    "Den Schlüssel eines Kontakts austauschen: Sotto hält an und sagt es dir. Vergleicht Sicherheitsnummern, um von Anfang an sicher zu sein.",
    "Eine Nachricht verändern, wiederholen oder umleiten.",
  ] as readonly string[],
  knowsBrowser: "Was ein Browser nicht versprechen kann",
  knowsBrowserText:
    "Diese Seite kommt jedes Mal vom Server. Wenn er bei der Seite selbst lügt, könnte er lesen, was du hier eingibst. Wer das ausschließen will, nimmt das Programm für das Terminal.",

  version: "Version",
  serverAddress: "Server",
  serverVersion: "Version des Servers",
  fingerprint: "Fingerabdruck seines Schlüssels",
  accountId: "Nummer des Kontos",
  deviceId: "Nummer dieses Geräts",
  notAudited:
    "Nicht geprüft. Niemand außerhalb des Projekts hat dieses Programm durchgesehen. Setze noch niemandes Sicherheit darauf.",
  licence: "Freie Software unter der Apache-Lizenz 2.0",

  keysNew: "Neue Unterhaltung",
  keysSearch: "Suchen",
  keysFind: "In der offenen Unterhaltung suchen",
  keysNext: "Nächste Unterhaltung",
  keysPrevious: "Vorige Unterhaltung",
  keysWrite: "Eine Nachricht schreiben",
  keysClose: "Schließen, was offen ist",
  keysSettings: "Einstellungen",
  keysSend: "Senden",
  keysLine: "Neue Zeile",
  keysSheet: "Diese Liste",
  keysLock: "Sperren",
  keysSingle: "Eine einzelne Taste (?) öffnet diese Liste",
  keysSingleHint: "Schalte das aus, wenn du mit Sprache schreibst, oder wenn es dir in die Quere kommt.",
};
