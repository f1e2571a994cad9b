export const voice = {
  message: "Sprachnachricht",
  play: "Abspielen",
  pause: "Anhalten",
  position: "Stelle",
  speed: (times: number) => `Tempo: ${times}-fach`,
  cannotPlay: "Dieser Browser kann die Aufnahme nicht abspielen.",
  recording: "Aufnahme",
  stop: "Aufnahme beenden",
  discard: "Wegwerfen",
  send: "Senden",
  back: "Zurück",
  denied:
    "Das Mikrofon ist hier nicht erlaubt. Erlaube es für diese Seite in den Einstellungen des Browsers und versuche es noch einmal.",
  noMicrophone: "Kein Mikrofon gefunden. Schließe eines an und versuche es noch einmal.",
  microphoneBusy:
    "Das Mikrofon lässt sich nicht benutzen. Vielleicht hält es ein anderes Programm: schließe es und versuche es noch einmal.",
  nothing: "Es wurde nichts aufgenommen. Versuche es noch einmal.",
};
