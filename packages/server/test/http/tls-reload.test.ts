/** Certificates that are renewed while the server runs, with real ones by openssl and real TLS connections. */
import { copyFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { LiveTls, readTls } from "../../src/http/tls.ts";
import { selfSigned, type TestCertificate } from "../support/certificate.ts";
import { startTestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** The PEM that a server shows to who connects now. */
async function shown(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const der = socket.getPeerCertificate(true).raw;
  socket.destroy();
  return `-----BEGIN CERTIFICATE-----\n${(der.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** The files that a configuration names, holding a pair that others may replace. */
function placed({ certFile, keyFile }: TestCertificate): { tlsCert: string; tlsKey: string } {
  const folder = temporaryFolder();
  const files = { tlsCert: join(folder, "fullchain.pem"), tlsKey: join(folder, "privkey.pem") };
  copyFileSync(certFile, files.tlsCert);
  copyFileSync(keyFile, files.tlsKey);
  return files;
}

test("a renewed pair serves who connects from then on, a bad one is told and changes nothing", async () => {
  const [first, second] = [selfSigned(), selfSigned()];
  const files = placed(first);
  const server = await startTestServer(files);
  const port = Number(new URL(server.origin).port);
  expect(await shown(port)).toBe(first.cert);
  const open = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(open, "secureConnect");

  // Half of a renewal: the new certificate beside the old key.
  writeFileSync(files.tlsCert, second.cert);
  server.reload();
  expect(await shown(port)).toBe(first.cert);
  expect(server.logged.at(-1)).toContain("certificate refused, the old one goes on");
  expect(server.logged.at(-1)).toContain('"level":"error"');
  writeFileSync(files.tlsKey, second.key);
  server.reload();
  expect(await shown(port)).toBe(second.cert);
  expect(server.logged.at(-1)).toContain("certificate loaded");

  for (const damage of [() => writeFileSync(files.tlsKey, "nonsense"), () => rmSync(files.tlsCert)]) {
    damage();
    server.reload();
    expect(await shown(port)).toBe(second.cert);
  }
  expect(open.destroyed).toBe(false);
  open.destroy();
  expect(server.logged.join("")).not.toContain("PRIVATE KEY");
});

test("a change of the files is seen, through links too, and only when both have settled", async () => {
  const [first, second, third] = [selfSigned(), selfSigned(), selfSigned()];
  const files = placed(first);
  const pair = readTls(files)!;
  const server = createServer(pair).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const told: string[] = [];
  const live = new LiveTls({
    files,
    pair,
    use: (next) => server.setSecureContext(next),
    events: { certificateLoaded: () => told.push("ok"), certificateRefused: () => told.push("refused") },
    intervalMs: 20,
  });
  onTestFinished(() => live.stop());
  const dayMs = 86_400_000;
  expect(Math.abs(live.endsAtMs - Date.now() - dayMs)).toBeLessThan(60_000);

  writeFileSync(files.tlsCert, second.cert);
  writeFileSync(files.tlsKey, second.key);
  await expect.poll(() => told).toEqual(["ok"]);
  expect(await shown(port)).toBe(second.cert);

  // As certbot does it: the names are links, which then lead elsewhere.
  for (const [path, target] of [
    [files.tlsCert, third.certFile],
    [files.tlsKey, third.keyFile],
  ] as const) {
    symlinkSync(target, `${path}.new`);
    renameSync(`${path}.new`, path);
  }
  await expect.poll(() => told).toEqual(["ok", "ok"]);
  expect(await shown(port)).toBe(third.cert);

  // A pair that stays bad is told once.
  rmSync(files.tlsKey);
  await expect.poll(() => told).toEqual(["ok", "ok", "refused"]);
  expect(await shown(port)).toBe(third.cert);
});
