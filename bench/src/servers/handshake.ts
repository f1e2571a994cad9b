/**
 * The floor of a sign-in: a bare `ws` upgrade and the three Ed25519 operations that a sign-in needs of a server, in two messages as Sotto's.
 * It keeps nobody's device in a database, has no sessions, limits or metrics. What any server on Node and `ws` could reach
 * at most with these signatures. It runs in a process of its own.
 */
import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ClientFramesSchema,
  NONCE_BYTES,
  ServerFramesSchema,
  accountId,
  challengeTranscript,
  decode,
  deviceId,
  signInTranscript,
} from "@sotto/protocol";
import { freePort } from "@sotto/testkit/free-port";
import { type WebSocket, WebSocketServer } from "ws";
import { makeAccounts, readAccounts } from "../clients/sotto-accounts.ts";
import { start } from "../host/child.ts";
import { type Target, collectOnSignal } from "./target.ts";

const signInAt = 4;
const [accountAt, deviceAt, signatureAt] = [signInAt + 2, signInAt + 20, signInAt + 38];

/** The target. @param program the bench's own entry point. */
export function handshake(program: string): Target {
  let accountsFile = "";
  return {
    name: "handshake",
    title: "bare ws upgrade and signatures (the floor of a sign-in: knows nobody)",
    scenarios: ["idle"],
    async version() {
      const require = createRequire(import.meta.url);
      return (require("ws/package.json") as { version: string }).version;
    },
    async prepare(workFolder, users) {
      accountsFile = join(workFolder, "handshake-accounts");
      if (!existsSync(accountsFile)) makeAccounts(users, accountsFile);
    },
    async start() {
      const port = await freePort();
      const args = [...collectOnSignal, program, "role:handshake", String(port), accountsFile];
      const server = await start(process.execPath, args, {
        ready: (output) => output.includes("handshake listens"),
      });
      return { server, endpoint: { kind: "sotto", ports: [port], accountsFile }, collectsOnSignal: true };
    },
  };
}

/** Serves until the process ends. */
export async function serveHandshakes(port: number, accountsFile: string): Promise<void> {
  const { serverFingerprint, accounts } = readAccounts(accountsFile);
  const publicKeys = new Map(
    accounts.map(({ device, privateKey }) => [device.toString("latin1"), pemOf(privateKey)]),
  );
  const { privateKey } = generateKeyPairSync("ed25519");
  const [challenge, nonceAt, signedAt] = challengeTemplate();
  const attached = toBinary(
    ServerFramesSchema,
    create(ServerFramesSchema, {
      frames: [
        { frame: { case: "signedIn", value: { deviceListVersion: 1n, maxBlobBytes: 2n ** 30n } } },
        { frame: { case: "attached", value: { request: 1, logId: new Uint8Array(16) } } },
      ],
    }),
  );

  const signIn = (
    socket: WebSocket,
    clientNonce: Uint8Array,
    serverNonce: Uint8Array,
    message: Buffer,
  ): void => {
    const account = message.subarray(accountAt, accountAt + 16);
    const device = message.subarray(deviceAt, deviceAt + 16);
    const pem = publicKeys.get(device.toString("latin1"));
    if (pem === undefined) throw new Error("an unknown device");
    const transcript = signInTranscript(
      clientNonce,
      serverNonce,
      serverFingerprint,
      accountId(account),
      deviceId(device),
    );
    const signature = message.subarray(signatureAt, signatureAt + 64);
    verify(null, transcript, createPublicKey(pem), signature, (error, isRight) => {
      if (error !== null || !isRight) socket.terminate();
      else socket.send(attached);
    });
  };

  const server = new WebSocketServer({ port, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096 });
  server.on("connection", (socket, request) => {
    const hello = Buffer.from((request.url ?? "").split("hello=")[1] ?? "", "base64url");
    const [frame] = decode(ClientFramesSchema, hello).frames;
    if (frame?.frame.case !== "hello") throw new Error("no Hello");
    const { clientNonce } = frame.frame.value;
    const serverNonce = randomBytes(NONCE_BYTES);
    const answer = Buffer.from(challenge);
    answer.set(serverNonce, nonceAt);
    answer.set(sign(null, challengeTranscript(clientNonce, serverNonce), privateKey), signedAt);
    socket.send(answer);
    socket.on("message", (message: Buffer) => signIn(socket, clientNonce, serverNonce, message));
    socket.on("error", () => socket.terminate());
  });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  console.log(`handshake listens on ${port}`);
}

/** A Challenge as long as a real one, and where its nonce and signature lie. */
function challengeTemplate(): [Uint8Array, number, number] {
  const serverNonce = new Uint8Array(NONCE_BYTES).fill(0xaa);
  const signature = new Uint8Array(64).fill(0xbb);
  const certificate = { body: new Uint8Array(48), signature: new Uint8Array(256) };
  const value = { serverNonce, certificate, signature, serverTimeMs: BigInt(Date.now()) };
  const bytes = Buffer.from(
    toBinary(
      ServerFramesSchema,
      create(ServerFramesSchema, { frames: [{ frame: { case: "challenge", value } }] }),
    ),
  );
  return [bytes, bytes.indexOf(serverNonce), bytes.indexOf(signature)];
}

const pemOf = (privateKey: KeyObject): string =>
  createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
