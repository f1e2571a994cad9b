import { expect, test } from "vitest";
import { isLoopback } from "../src/server-choice.ts";

test.each(["http://127.0.0.1:8787", "http://127.8.9.1", "http://localhost:1", "http://[::1]:8787"])(
  "%s is this machine: a script may trust its key on first use",
  (origin) => expect(isLoopback(origin)).toBe(true),
);

test.each([
  "http://127.0.0.1.example.org",
  "http://127.evil.org",
  "http://localhost.example.org",
  "https://192.0.2.1",
  "http://0.0.0.0:8787",
  "http://[::2]",
  "https://chat.example.org",
])("%s is not", (origin) => expect(isLoopback(origin)).toBe(false));
