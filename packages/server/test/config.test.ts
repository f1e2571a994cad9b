import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SottoError } from "@sotto/protocol";
import { checkConfig, envName, loadConfig, type ConfigSources } from "../src/config.ts";
import { temporaryFolder } from "./support/temporary.ts";

function problem(sources: ConfigSources): string {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof SottoError && error.code === "config_invalid") return error.message;
    throw error;
  }
  return "accepted";
}

function file(content: unknown): string {
  const path = join(temporaryFolder(), "sotto.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

describe("sources", () => {
  test("nothing given: what people can use at once", () => {
    expect(loadConfig({})).toMatchObject({
      data: "./sotto-data",
      host: "127.0.0.1",
      port: 8787,
      otp: ["console"],
      classic: true,
      resendAfterSec: 30,
      retentionDays: 90,
    });
    expect(loadConfig({}).maxUsers).toBe(undefined);
  });

  test("flags win over the environment, the environment over the file, all over the defaults", () => {
    const path = file({ port: 1, host: "a", data: "b", maxUsers: 3 });
    const config = loadConfig({
      defaults: { logLevel: "warn", maxUsers: 9 },
      file: path,
      env: { SOTTO_PORT: "2", SOTTO_HOST: "c", SOTTO_OTP_FROM: "", OTHER: "x" },
      flags: { port: "3", otp: undefined },
    });
    expect(config).toMatchObject({ port: 3, host: "c", data: "b", maxUsers: 3, logLevel: "warn" });
    expect(config.otpFrom).toBe(undefined);
  });

  test("a value of the environment may lie in a file, as secrets do", () => {
    const token = file("a token of twenty characters\n");
    const url = file("postgres://sotto:hunter2@db/sotto");
    const env = { SOTTO_METRICS_TOKEN_FILE: token, SOTTO_DATABASE_FILE: url, SOTTO_OTP_FILE: "" };
    expect(loadConfig({ env, flags: { database: "postgres://other@db/sotto" } })).toMatchObject({
      metricsToken: "a token of twenty characters",
      database: "postgres://other@db/sotto",
      otp: ["console"],
    });
    expect(problem({ env: { ...env, SOTTO_METRICS_TOKEN: "x" } })).toBe(
      "metricsToken (SOTTO_METRICS_TOKEN_FILE): SOTTO_METRICS_TOKEN is set as well: give one of them",
    );
    expect(problem({ env: { SOTTO_OTP_FILE: file("\n") } })).toBe("otp (SOTTO_OTP_FILE): the file is empty");
    expect(problem({ env: { SOTTO_OTP_FILE: "/no/such" } })).toBe(
      "otp (SOTTO_OTP_FILE): the file cannot be read (ENOENT)",
    );
    expect(problem({ env: { SOTTO_METRICS_TOKEN_FILE: file("hunter2") } })).toBe(
      "metricsToken (from SOTTO_METRICS_TOKEN_FILE): must have at least 16 characters",
    );
  });

  test("text becomes what the key needs", () => {
    const config = loadConfig({
      env: {
        SOTTO_CLASSIC: "off",
        SOTTO_OTP: "smtp://localhost  https://sms.example.org/send",
        SOTTO_LIMITS: '{"lookupsPerAccount":{"burst":3}}',
        SOTTO_TRUSTED_PROXIES: "loopback 10.0.0.0/8",
        SOTTO_ORIGIN: "https://Chat.Example.org/",
      },
    });
    expect(config).toMatchObject({
      classic: false,
      otp: ["smtp://localhost", "https://sms.example.org/send"],
      trustedProxies: ["loopback", "10.0.0.0/8"],
      origin: "https://chat.example.org",
    });
    expect(config.limits.lookupsPerAccount).toEqual({ burst: 3, perHour: 400 });
    expect(config.limits.codesPerIdentifier).toEqual(checkConfig({}).limits.codesPerIdentifier);
  });

  test("a checked configuration passes again, unchanged", () => {
    const config = checkConfig({ origin: "https://x.example/", maxUsers: "3" });
    expect(checkConfig(config)).toEqual(config);
  });

  test("environment names", () => {
    expect([envName("port"), envName("maxUsers"), envName("otpWebhookToken")]).toEqual([
      "SOTTO_PORT",
      "SOTTO_MAX_USERS",
      "SOTTO_OTP_WEBHOOK_TOKEN",
    ]);
  });
});

describe("what is wrong is named, with where it came from", () => {
  test.each([
    [{ flags: { port: "http" } }, "port (from --port): must be a whole number from 0 to 65535"],
    [{ flags: { port: "65536" } }, "port (from --port): must be a whole number from 0 to 65535"],
    [{ flags: { port: "1.5" } }, "port (from --port): must be"],
    [{ env: { SOTTO_MAX_USERS: "0" } }, "maxUsers (from SOTTO_MAX_USERS): must be a whole number from 1"],
    [{ env: { SOTTO_CLASSIC: "maybe" } }, "classic (from SOTTO_CLASSIC): must be true or false"],
    [{ flags: { otp: ["pigeon"] } }, "otp.0 (from --otp): must be console"],
    [{ flags: { otp: ["file:"] } }, "otp.0 (from --otp): must be console"],
    [{ flags: { otp: [] } }, "otp (from --otp): must name at least one way"],
    [{ flags: { origin: "https://a.example/path" } }, "origin (from --origin): must be an origin"],
    [{ flags: { tlsKey: "key.pem" } }, "tlsCert: is missing"],
    [{ flags: { logLevel: "loud" } }, "logLevel (from --log-level): "],
    [{ flags: { limits: "{" } }, "limits (from --limits): "],
    [{ flags: { limits: '{"x":1}' } }, "limits.x (from --limits): is not a known key"],
    [
      { env: { SOTTO_METRICS_TOKEN: "short" } },
      "metricsToken (from SOTTO_METRICS_TOKEN): must have at least 16",
    ],
  ] as [ConfigSources, string][])("%j", (sources, message) => {
    expect(problem(sources)).toContain(message);
  });

  test("in the file", () => {
    const path = file({ prot: 80 });
    expect(problem({ file: path })).toBe(`prot (in ${path}): is not a known key`);
    expect(problem({ file: file("{") })).toContain("cannot be read as JSON");
    expect(problem({ file: file([]) })).toContain("must hold one JSON object");
    expect(problem({ file: "/no/such/file.json" })).toContain("cannot be read as JSON");
  });

  test("values are never repeated: they may hold passwords", () => {
    const message = problem({ flags: { otp: ["smpt://user:hunter2@mail.example.org"] } });
    expect(message).toContain("otp.0");
    expect(message).not.toContain("hunter2");
  });
});
