export const errors = {
  other: (code: string) => `Das hat nicht geklappt (${code}). Versuch es noch einmal.`,
  code_refused: "Dieser Code ist falsch oder zu alt. Sieh noch einmal nach, oder fordere einen neuen an.",
  code_delivery_failed:
    "Der Code konnte nicht gesendet werden. Prüfe Nummer oder Adresse, und versuch es später noch einmal.",
  identifier_invalid:
    "Das ist keine Telefonnummer oder E-Mail-Adresse. Eine Nummer beginnt mit + und ihrem Land.",
  identifier_taken:
    "Dafür gibt es schon ein Konto: verknüpfe diesen Browser damit, oder nimm den Wiederherstellungsschlüssel.",
  identifier_not_found: "Niemand auf diesem Server hat diese Nummer oder Adresse. Lade die Person erst ein.",
  identity_changed: "Ihr Identitätsschlüssel hat sich geändert. Sieh ihn dir an, bevor du weitermachst.",
  account_deleted:
    "Dieses Konto wurde auf einem anderen Gerät gelöscht. Was hier ist, bleibt lesbar, bis du es in den Einstellungen entfernst.",
  server_full: "Dieser Server nimmt keine Konten mehr an. Frag, wer ihn betreibt.",
  server_key_mismatch:
    "Dieser Server zeigt einen anderen Schlüssel als erwartet. Mach nicht weiter: frag, wer ihn betreibt.",
  clock_wrong:
    "Die Uhr dieses Geräts geht falsch. Stell Datum und Uhrzeit richtig, und versuch es noch einmal.",
  unsupported_version: "Der Server hat eine neuere Version von Sotto. Lade diese Seite neu.",
  sign_in_refused:
    "Dieses Gerät wurde vom Konto genommen, oder das Konto gibt es nicht mehr. Verknüpfe es neu von einem anderen Gerät.",
  server_unreachable: "Der Server ist nicht zu erreichen. Prüfe die Verbindung, und versuch es noch einmal.",
  connection_lost: "Die Verbindung ist abgerissen. Sie kommt von selbst wieder.",
  rate_limited: "Zu viele Versuche. Warte ein wenig, und versuch es noch einmal.",
  passphrase_wrong: "Diese Passphrase ist falsch. Nichts wurde geändert.",
  vault_missing: "In diesem Browser gibt es kein Konto. Vielleicht hat der Browser es gelöscht.",
  vault_exists: "In diesem Browser gibt es schon ein Konto.",
  vault_locked: "Ein anderer Tab hat übernommen. Sieh nach, ob es getan ist, bevor du es wiederholst.",
  vault_damaged:
    "Was dieser Browser gespeichert hat, ist beschädigt. Verknüpfe ihn neu von einem anderen Gerät aus.",
  vault_foreign: "Das hat eine neuere Version von Sotto gespeichert. Lade die Seite neu.",
  storage_failed:
    "Der Speicher des Browsers funktioniert nicht. Ein privates Fenster oder eine volle Platte kann der Grund sein.",
  storage_full: "Der Browser hat keinen Platz mehr. Lösche etwas, oder schaffe Platz auf der Platte.",
  message_too_large: "Diese Nachricht ist zu lang.",
  group_link_invalid:
    "Das ist kein Link zu einer Gruppe dieses Servers, nicht der ganze, oder er gilt nicht mehr. Lass dir einen neuen geben.",
  group_forbidden: "Die Regeln dieser Gruppe erlauben dir das nicht.",
  link_refused: "Das hat nicht rechtzeitig geklappt. Beginn von vorn, um einen neuen Code zu bekommen.",
  recovery_key_wrong: "Dieser Wiederherstellungsschlüssel öffnet das Konto nicht.",
  suite_unavailable: "Diese Art der Verschlüsselung gibt es hier nicht.",
  backup_damaged:
    "Diese Datei ist keine Sicherung von Sotto, oder beschädigt. Nichts wurde daraus übernommen; nimm eine andere Kopie.",
  backup_foreign: "Eine neuere Version von Sotto hat diese Sicherung gemacht. Lade die Seite neu.",
  backup_outdated:
    "Das Konto hat andere Schlüssel, seit diese Sicherung gemacht wurde. Nimm eine neuere, ein anderes Gerät oder den Wiederherstellungsschlüssel.",
  account_unknown: "Dieses Konto ist nicht mehr auf diesem Server.",
  too_large: "Diese Datei ist größer, als dieser Server annimmt.",
  file_changed:
    "Die Datei lässt sich nicht mehr lesen oder wurde inzwischen geändert. Wähle sie noch einmal.",
  picture_unreadable:
    "Dieses Bild ist beschädigt: was es über Ort und Kamera verrät, lässt sich nicht herausnehmen. Es wurde nicht gesendet.",
  attachment_damaged: "Was der Server gab, ist nicht die Datei, die gesendet wurde. Sie wurde weggeworfen.",
  blob_unknown: "Diese Datei liegt nicht mehr auf dem Server: ihre Zeit war um, oder sie wurde gelöscht.",
};
