/** Mails to a real SMTP listener, over real sockets. */
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseIdentifier } from "@sotto/protocol";
import { smtpSender } from "../../src/adapters/otp-smtp.ts";
import { selfSigned } from "../support/certificate.ts";

interface Mail {
  readonly from: string;
  readonly to: string[];
  readonly text: string;
  readonly encrypted: boolean;
  readonly user: unknown;
}

const ann = parseIdentifier("ann@example.org");

/** A listener that takes mails, or refuses the first ones with the given codes. */
async function listen(
  options: SMTPServerOptions = {},
  refusals: number[] = [],
): Promise<{ mails: Mail[]; tries: () => number; host: string }> {
  const mails: Mail[] = [];
  let tries = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.hideSTARTTLS === false ? [] : ["STARTTLS"],
    hideSTARTTLS: true,
    ...options,
    onRcptTo(_address, _session, callback) {
      tries++;
      const responseCode = refusals.shift();
      callback(responseCode === undefined ? null : Object.assign(new Error("no"), { responseCode }));
    },
    onData(stream, session, callback) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        mails.push({
          from: session.envelope.mailFrom ? session.envelope.mailFrom.address : "",
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(parts).toString(),
          encrypted: session.secure,
          user: session.user,
        });
        callback();
      });
    },
  });
  server.on("error", () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  onTestFinished(() => new Promise<void>((done) => server.close(() => done())));
  const { port } = server.server.address() as AddressInfo;
  return { mails, tries: () => tries, host: `127.0.0.1:${port}` };
}

function sender(url: string) {
  const made = smtpSender({
    url,
    from: "sotto@example.org",
    serverName: "chat.example.org",
    pausesMs: [1, 1],
  });
  onTestFinished(() => made.close());
  return made;
}

describe("smtp", () => {
  test("sends a code by mail", async () => {
    const { mails, host } = await listen();
    const smtp = sender(`smtp://${host}`);
    await smtp.send(ann, "012345");
    expect(mails.length).toBe(1);
    expect(mails[0]).toMatchObject({ from: "sotto@example.org", to: ["ann@example.org"], encrypted: false });
    expect(mails[0]!.text).toMatch(/^Subject: Your Sotto code\r$/m);
    expect(mails[0]!.text).toMatch(/^Auto-Submitted: auto-generated\r$/im);
    expect(mails[0]!.text).toMatch(/^ {4}012345\r$/m);
    expect(mails[0]!.text).toContain("chat.example.org");
    expect(smtp.kinds).toEqual(["email"]);
    expect(smtp.immediate).toBe(false);
  });

  test("signs in over STARTTLS, and checks the certificate", async () => {
    const { cert, key, certFile } = selfSigned();
    const { mails, host } = await listen({
      cert,
      key,
      hideSTARTTLS: false,
      authOptional: false,
      onAuth({ username, password }, _session, callback) {
        if (username === "sotto" && password === "p@ss/word") callback(null, { user: username });
        else callback(new Error("no"));
      },
    });
    await sender(`smtp://sotto:p%40ss%2Fword@${host}?ca=${certFile}`).send(ann, "111111");
    expect(mails[0]).toMatchObject({ encrypted: true, user: "sotto" });
    // Nobody vouches for this certificate: no password goes out.
    await expect(sender(`smtp://sotto:p%40ss%2Fword@${host}`).send(ann, "222222")).rejects.toMatchObject({
      code: "ESOCKET",
    });
    // A wrong password is final.
    await expect(sender(`smtp://sotto:wrong@${host}?ca=${certFile}`).send(ann, "333333")).rejects.toThrow(
      "the mail was refused",
    );
    expect(mails.length).toBe(1);
  });

  test("does not send a password where STARTTLS is missing", async () => {
    const seen: string[] = [];
    const { host } = await listen({
      allowInsecureAuth: true,
      onAuth({ username = "" }, _session, callback) {
        seen.push(username);
        callback(null, { user: username });
      },
    });
    await expect(sender(`smtp://sotto:secret@${host}`).send(ann, "111111")).rejects.toThrow(
      "the mail was refused",
    );
    expect(seen).toEqual([]);
    await sender(`smtp://sotto:secret@${host}?starttls=off`).send(ann, "111111");
    expect(seen).toEqual(["sotto"]);
  });

  test("speaks TLS from the first byte with smtps", async () => {
    const { cert, key, certFile } = selfSigned();
    const { mails, host } = await listen({ secure: true, cert, key });
    await sender(`smtps://${host}?ca=${certFile}`).send(ann, "444444");
    expect(mails[0]?.encrypted).toBe(true);
  });

  test("tries again after 4xx, and not after 5xx", async () => {
    const busy = await listen({}, [451, 421]);
    await sender(`smtp://${busy.host}`).send(ann, "111111");
    expect(busy.mails.length).toBe(1);
    expect(busy.tries()).toBe(3);
    const refusing = await listen({}, [550, 550]);
    await expect(sender(`smtp://${refusing.host}`).send(ann, "111111")).rejects.toThrow(
      "the mail was refused",
    );
    expect(refusing.tries()).toBe(1);
  });

  test("gives up when nobody listens", async () => {
    const { host } = await listen();
    const closedPort = host.replace(/\d+$/, "1");
    await expect(sender(`smtp://${closedPort}`).send(ann, "111111")).rejects.toMatchObject({
      code: "ESOCKET",
    });
  });

  test.each([
    "smtp://localhost?pool=1",
    "smtp://localhost?starttls=maybe",
    "smtp://localhost?ca=/no/such/file",
  ])("%s is refused at start", (url) => {
    expect(() => smtpSender({ url, from: "a@example.org", serverName: "x" })).toThrow(
      expect.objectContaining({ code: "config_invalid" }),
    );
  });
});
