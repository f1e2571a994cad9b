export const trust = {
  scanTitle: "Point the camera at the picture",
  scanNo: "The camera cannot be used. Allow it in the browser's settings for this page.",
  scanNoLink: "Or type the code.",
  scanNoNumber: "Or compare the digits by eye.",
  scanStop: "Stop",
  scanNumber: "Scan their picture",
  equal: (who: string) => `Both screens show the same number. ${who} is verified.`,
  different: (who: string) =>
    `The numbers differ. See whether the other screen shows the conversation with you. If it does, somebody may sit between you: write nothing to ${who} that must stay secret, and ask them face to face.`,
} as const;
