/** URLs of databases: what they mean, and that TLS is real: checked against an instance that speaks it. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { TestPostgres } from "@sotto/testkit/postgres";
import { parseDatabaseUrl } from "../../src/adapters/postgres/database-url.ts";
import { openPostgresStore } from "../../src/adapters/postgres/store.ts";
import { testOwner } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary.ts";

const invalid = expect.objectContaining({ code: "config_invalid" });

test("a URL names everything, and what it leaves out has a default", () => {
  expect(parseDatabaseUrl("postgres://ann:p%40ss@db.example.org:6000/chat")).toEqual({
    host: "db.example.org",
    port: 6000,
    user: "ann",
    password: "p@ss",
    database: "chat",
    ssl: { ca: undefined, cert: undefined, key: undefined },
  });
  expect(parseDatabaseUrl("postgresql://ann@/?host=/run/postgresql")).toMatchObject({
    host: "/run/postgresql",
    port: 5432,
    password: undefined,
    database: "ann",
    ssl: false,
  });
  expect(parseDatabaseUrl("postgres://ann@[::1]/x")).toMatchObject({ host: "::1", ssl: false });
  expect(parseDatabaseUrl("postgres://ann@10.0.0.7/x?sslmode=disable").ssl).toBe(false);
  expect(parseDatabaseUrl("postgres://ann@10.0.0.7/x?sslmode=require").ssl).toMatchObject({
    rejectUnauthorized: false,
  });
});

test.each([
  "mysql://ann@host/x",
  "postgres://ann:secretword@host/x?sslmode=prefer",
  "postgres://ann:secretword@host/x?sslmode=verify-full&sslrootcert=/no/such/file",
  "postgres://ann:secretword@host/x?options=-c%20fsync=off",
  "postgres://ann:secret%word@host/x",
  "postgres://ann:secretword@host/x?port=99999",
])("%s is refused without being told", (url) => {
  const refusal = (): unknown => {
    try {
      return parseDatabaseUrl(url);
    } catch (error) {
      return error;
    }
  };
  expect(refusal()).toEqual(invalid);
  expect(String(refusal())).toContain("database: the URL");
  expect(String(refusal())).not.toContain("secret");
});

test("TLS is spoken, and the server's certificate is checked", async () => {
  const folder = temporaryFolder();
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const openssl = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", [...openssl, ...names, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const postgres = await TestPostgres.start({
    settings: { ssl: "on", ssl_cert_file: "certificate.pem", ssl_key_file: "key.pem" },
    files: { "key.pem": key, "certificate.pem": certificate },
  });
  onTestFinished(() => postgres.stop());
  const database = new URL(await postgres.createDatabase());
  const open = async (host: string, parameters: string): Promise<void> => {
    const url = `postgres://sotto@${host}:${postgres.port}${database.pathname}?${parameters}`;
    await (await openPostgresStore({ url, owner: testOwner })).close();
  };
  const root = `sslrootcert=${encodeURIComponent(certificate)}`;
  await open("localhost", `sslmode=verify-full&${root}`);
  await open("127.0.0.1", `sslmode=verify-ca&${root}`);
  await open("127.0.0.1", "sslmode=require");
  await expect(open("127.0.0.1", `sslmode=verify-full&${root}`), "another name").rejects.toThrow(
    "cannot be used",
  );
  await expect(open("localhost", "sslmode=verify-full"), "an unknown root").rejects.toThrow("cannot be used");
});
