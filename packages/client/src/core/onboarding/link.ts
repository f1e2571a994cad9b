/**
 * Linking this place to an account that exists on another device: an offer is left with the server, its code is shown, and the answer of
 * the other device makes the vault. Nothing is kept here before that.
 */
import { createVault, sealRequest } from "@sotto/crypto";
import { toBinary, create } from "@bufbuild/protobuf";
import {
  AwaitLinkPayloadSchema,
  AwaitLinkResultSchema,
  OpenLinkPayloadSchema,
  OpenLinkResultSchema,
  RefusedError,
  UsageError,
  decode,
} from "@sotto/protocol";
import type { NewLink } from "../../api.ts";
import { awaitedFrom } from "../devices/history-wanted.ts";
import { storeLinked } from "../devices/joining-account.ts";
import { makeNewDevice, openAnswer, type NewDevice } from "../devices/link-offer.ts";
import type { Env } from "../env.ts";
import { publishFirstKeyPackages } from "../registration.ts";
import type { OwnAccount } from "../records.ts";
import { vaultStore } from "../vault-store.ts";
import { trustServer, type TrustedServer } from "./server-choice.ts";
import type { OnboardingWorld, VaultPlace } from "./world.ts";

const publishWithinMs = 15_000;

/** Links this place. Resolves when it is a device of the account. @throws as linkDevice in node.ts. */
export async function link(world: OnboardingWorld, options: NewLink): Promise<OwnAccount> {
  const { env } = world;
  if (options.passphrase === "") throw new UsageError("usage", "the passphrase must not be empty");
  const server = await trustServer(world, options);
  const place = await world.takePlace();
  try {
    if (place.exists) throw new UsageError("vault_exists", "there is an account already");
    return await joinAccount(env, server, place, options);
  } catch (cause) {
    if (!place.exists) await place.discard();
    throw cause;
  } finally {
    place.release();
  }
}

async function joinAccount(
  env: Env,
  server: TrustedServer,
  place: VaultPlace,
  options: NewLink,
): Promise<OwnAccount> {
  const made = await makeNewDevice(env, server.serverKey.fingerprint, options.deviceName, options.platform);
  const expiresInSec = await openLink(env, server, made);
  options.onCode({ code: made.code, qr: `sotto-link:${made.code}` });
  const answer = await awaitAnswer(env, server, made, expiresInSec, options.signal);
  const linked = await openAnswer(env, made, answer, server);
  const { header, vault } = await createVault(env.crypto, options.passphrase);
  const storage = await place.openStorage();
  await place.header.write(header);
  const store = vaultStore(vault, storage);
  try {
    await storeLinked(store, { ...linked, awaited: awaitedFrom(env.nowMs()) });
    await publishFirstKeyPackages(env, store, server.transport, publishWithinMs);
  } finally {
    await store.close();
  }
  return linked.own;
}

async function openLink(env: Env, server: TrustedServer, made: NewDevice): Promise<number> {
  const payload = create(OpenLinkPayloadSchema, {
    linkId: made.keys.linkId,
    offer: made.offer,
    secretHash: await env.crypto.sha256(made.secret),
  });
  const answer = await sealedCall(env, server, "OpenLink", toBinary(OpenLinkPayloadSchema, payload));
  return decode(OpenLinkResultSchema, answer).expiresInSec;
}

async function awaitAnswer(
  env: Env,
  server: TrustedServer,
  made: NewDevice,
  expiresInSec: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const payload = create(AwaitLinkPayloadSchema, { linkId: made.keys.linkId, secret: made.secret });
  const endMs = env.nowMs() + expiresInSec * 1000;
  while (env.nowMs() < endMs) {
    signal?.throwIfAborted();
    const bytes = toBinary(AwaitLinkPayloadSchema, payload);
    const opened = await sealedCall(env, server, "AwaitLink", bytes, signal).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw cause;
    });
    const { answer } = decode(AwaitLinkResultSchema, opened);
    if (answer.length > 0) return answer;
  }
  throw new RefusedError("link_refused", "nobody approved this device in time");
}

async function sealedCall(
  env: Env,
  server: TrustedServer,
  method: "OpenLink" | "AwaitLink",
  payload: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const request = await sealRequest(env.crypto, server.serverKey, method, payload);
  return request.openAnswer(await server.transport.call(method, request.sealed, signal));
}
