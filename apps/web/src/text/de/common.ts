const timeSpan = (minutes: number): string =>
  minutes < 120
    ? `${minutes} Minuten`
    : minutes < 2_880
      ? `${Math.round(minutes / 60)} Stunden`
      : `${Math.round(minutes / 1_440)} Tage`;

export const common = {
  appName: "Sotto",
  back: "Zurück",
  cancel: "Abbrechen",
  undo: "Rückgängig",
  close: "Schließen",
  retry: "Noch einmal versuchen",
  loading: "Lädt",
  language: "Sprache",
  lock: "Diesen Browser sperren",
  you: "Du",
  today: "Heute",
  yesterday: "Gestern",
  offline: "Offline. Was du schreibst, geht hinaus, sobald der Server da ist.",
  connecting: "Verbindet",
  clockOff: (minutes: number, ahead: boolean) =>
    `Die Uhr dieses Geräts geht ${timeSpan(minutes)} ${ahead ? "vor" : "nach"}. Stell Datum, Uhrzeit und Zeitzone richtig: andere sehen falsche Zeiten.`,
  online: "Verbunden",
  verified: "Geprüft",
  updateReady: "Eine neue Version von Sotto ist da. Danach wird deine Passphrase wieder gebraucht.",
  partMissing:
    "Ein Teil von Sotto ließ sich nicht laden. Der Server hat vielleicht eine neuere Version, oder er ist nicht zu erreichen: lade die Seite neu, wenn du online bist.",
  updateReload: "Neu laden",
  updateLater: "Später",
  updateWaiting: "Die neue Version kommt, sobald fertig ist, was gerade läuft …",
  updateBusy: "In einem Tab läuft noch etwas. Versuch es noch einmal, wenn es fertig ist.",
  otherVersion:
    "Ein anderer Tab hat eine andere Version von Sotto. Lade ihn neu oder schließe ihn: dann geht es hier weiter.",
  skipToMessages: "Zur Unterhaltung springen",
};
