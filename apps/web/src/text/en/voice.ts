export const voice = {
  message: "Voice message",
  play: "Play",
  pause: "Pause",
  position: "Position",
  speed: (times: number) => `Speed: ${times} times`,
  cannotPlay: "This browser cannot play that recording.",
  recording: "Recording",
  stop: "Stop recording",
  discard: "Throw it away",
  send: "Send",
  back: "Back",
  denied:
    "The microphone is not allowed here. Allow it for this page in the browser's settings, then try again.",
  noMicrophone: "No microphone was found. Connect one, then try again.",
  microphoneBusy: "The microphone cannot be used. Another program may hold it: close that, then try again.",
  nothing: "Nothing was recorded. Try again.",
} as const;
