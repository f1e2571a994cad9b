/** Delivery of one-time passwords on the machine itself: to the operator's console, or to a file that scripts read. */
import { open } from "node:fs/promises";
import type { OtpSender } from "../core/otp-sender.ts";

/** Prints `OTP for +15551230001: 123456`, a line each. @param print writes one line to standard output. */
export function consoleSender(print: (line: string) => void): OtpSender {
  return {
    channel: "console",
    kinds: ["phone", "email"],
    immediate: true,
    async send(identifier, code) {
      print(`OTP for ${identifier}: ${code}`);
    },
    close() {},
  };
}

/** Appends `{"identifier","code"}` as a line of JSON, durably. The file is made with mode 0600. */
export function fileSender(path: string): OtpSender {
  return {
    channel: "file",
    kinds: ["phone", "email"],
    immediate: true,
    async send(identifier, code) {
      const file = await open(path, "a", 0o600);
      try {
        // One write of a short line in append mode: lines of parallel requests do not mix.
        await file.write(`${JSON.stringify({ identifier, code })}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
    },
    close() {},
  };
}
