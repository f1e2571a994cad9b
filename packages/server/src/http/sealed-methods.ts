/** What each sealed method does with its payload: which desk it asks, and which result it gives. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AwaitLinkPayloadSchema,
  AwaitLinkResultSchema,
  FinishRecoveryPayloadSchema,
  FinishRecoveryResultSchema,
  OpenLinkPayloadSchema,
  OpenLinkResultSchema,
  ReadListsPayloadSchema,
  ReadListsResultSchema,
  RecoverPayloadSchema,
  RecoverResultSchema,
  RegisterPayloadSchema,
  RegisterResultSchema,
  RequestCodePayloadSchema,
  RequestCodeResultSchema,
  ResetPayloadSchema,
  ResetResultSchema,
  ValidationError,
  decode,
} from "@sotto/protocol";
import type { SealedMethod } from "../adapters/sealing.ts";
import type { Links } from "../core/links/desk.ts";
import type { Recovery } from "../core/recovery/desk.ts";
import type { Registration } from "../core/registration.ts";

/** The desks that answer. */
export interface SealedDesks {
  readonly registration: Registration;
  readonly links: Links;
  readonly recovery: Recovery;
}

/** A request that was opened. */
interface OpenedRequest {
  readonly payload: Uint8Array;
  /** 32 bytes, unique to the request. */
  readonly secret: Uint8Array;
  readonly address: string;
}

/** Answers a payload with a serialized result. @throws SottoError with a code that travels. */
export type SealedHandler = (opened: OpenedRequest) => Promise<Uint8Array>;

/** The handlers of all methods. */
export function sealedHandlers(
  { registration, links, recovery }: SealedDesks,
  nowMs: () => number,
): Readonly<Record<SealedMethod, SealedHandler>> {
  const serverTimeMs = (): bigint => BigInt(nowMs());
  return {
    async RequestCode({ payload, secret, address }) {
      const { identifier, forExisting } = decode(RequestCodePayloadSchema, payload);
      const result = await registration.requestCode(identifier, address, secret, forExisting);
      return toBinary(RequestCodeResultSchema, create(RequestCodeResultSchema, result));
    },
    async Register({ payload, address }) {
      const { identifier, code, deviceList } = decode(RegisterPayloadSchema, payload);
      if (deviceList === undefined) throw new ValidationError("malformed", "device_list is missing");
      await registration.register(identifier, code, deviceList, address);
      const result = { serverTimeMs: serverTimeMs() };
      return toBinary(RegisterResultSchema, create(RegisterResultSchema, result));
    },
    async OpenLink({ payload, address }) {
      const expiresInSec = await links.open(decode(OpenLinkPayloadSchema, payload), address);
      return toBinary(OpenLinkResultSchema, create(OpenLinkResultSchema, { expiresInSec }));
    },
    async AwaitLink({ payload, address }) {
      const answer = await links.await(decode(AwaitLinkPayloadSchema, payload), address);
      return toBinary(AwaitLinkResultSchema, create(AwaitLinkResultSchema, answer && { answer }));
    },
    async Recover({ payload, address }) {
      const recovered = await recovery.recover(decode(RecoverPayloadSchema, payload), address);
      return toBinary(RecoverResultSchema, create(RecoverResultSchema, recovered));
    },
    async ReadLists({ payload }) {
      const result = await recovery.readLists(decode(ReadListsPayloadSchema, payload));
      return toBinary(ReadListsResultSchema, create(ReadListsResultSchema, result));
    },
    async FinishRecovery({ payload }) {
      await recovery.finish(decode(FinishRecoveryPayloadSchema, payload));
      const result = { serverTimeMs: serverTimeMs() };
      return toBinary(FinishRecoveryResultSchema, create(FinishRecoveryResultSchema, result));
    },
    async Reset({ payload, address }) {
      const state = await recovery.reset(decode(ResetPayloadSchema, payload), address);
      const result = create(ResetResultSchema, { ...state, serverTimeMs: serverTimeMs() });
      return toBinary(ResetResultSchema, result);
    },
  };
}
