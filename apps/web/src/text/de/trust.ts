export const trust = {
  scanTitle: "Richte die Kamera auf das Bild",
  scanNo:
    "Die Kamera lässt sich nicht benutzen. Erlaube sie in den Einstellungen des Browsers für diese Seite.",
  scanNoLink: "Oder gib den Code ein.",
  scanNoNumber: "Oder vergleiche die Ziffern mit den Augen.",
  scanStop: "Aufhören",
  scanNumber: "Das andere Bild scannen",
  equal: (who: string) => `Beide Bildschirme zeigen dieselbe Nummer. ${who} ist geprüft.`,
  different: (who: string) =>
    `Die Nummern sind verschieden. Sieh nach, ob der andere Bildschirm die Unterhaltung mit dir zeigt. Wenn ja, sitzt vielleicht jemand dazwischen: Schreib ${who} nichts, was geheim bleiben muss, und frag persönlich nach.`,
} as const;
