/**
 * The working group's passive clients: whole lives of groups, with proposals by reference and pre-shared keys, which Sotto refuses. So they run
 * on the library itself, over our primitives.
 */
import { bytesToBase64 } from "ts-mls/util/byteArray.js";
import { joinGroup, makePskIndex } from "ts-mls/clientState.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { processMessage } from "ts-mls/processMessages.js";
import { decodeMlsMessage } from "ts-mls/message.js";
import { extendRatchetTree } from "ts-mls/ratchetTree.js";
import { toHex } from "@sotto/protocol";
import { describe, expect, test } from "vitest";
import { ciphersuiteFor } from "../../src/mls/ciphersuite.ts";
import { decodeAll, decodeMessage, decodeTreeNodes } from "../../src/mls/wire.ts";
import { hex } from "../support/bytes.ts";
import { mlsVectors } from "../support/mls-vectors.ts";
import { mlsProviders } from "../support/mls.ts";

interface Case extends Record<string, unknown> {
  readonly ratchet_tree: string | null;
  readonly external_psks: readonly { readonly psk_id: string; readonly psk: string }[];
  readonly epochs: readonly {
    readonly proposals: readonly string[];
    readonly commit: string;
    readonly epoch_authenticator: string;
  }[];
}

describe.each(mlsProviders)("passive clients on $crypto.name", (provider) => {
  const impl = ciphersuiteFor(provider, "x25519");

  test.each(["passive-client-welcome", "passive-client-handling-commit", "passive-client-random"])(
    "%s",
    async (file) => {
      for (const vector of mlsVectors<Case>(file)) {
        const bytes = (name: string) => hex(vector[name] as string);
        const psks = Object.fromEntries(
          vector.external_psks.map(({ psk_id, psk }) => [bytesToBase64(hex(psk_id)), hex(psk)]),
        );
        let state = await joinGroup(
          decodeMessage(bytes("welcome"), "mls_welcome", 1_000_000).welcome,
          decodeMessage(bytes("key_package"), "mls_key_package", 100_000).keyPackage,
          {
            hpkePrivateKey: bytes("encryption_priv"),
            initPrivateKey: bytes("init_priv"),
            signaturePrivateKey: bytes("signature_priv"),
          },
          makePskIndex(undefined, psks),
          impl,
          vector.ratchet_tree === null
            ? undefined
            : extendRatchetTree(decodeTreeNodes(hex(vector.ratchet_tree))),
          undefined,
          defaultClientConfig,
        );
        expect(toHex(state.keySchedule.epochAuthenticator)).toBe(vector.initial_epoch_authenticator);
        for (const epoch of vector.epochs) {
          for (const text of [...epoch.proposals, epoch.commit]) {
            const message = decodeAll(decodeMlsMessage, hex(text), "an MLSMessage");
            if (message.wireformat !== "mls_private_message" && message.wireformat !== "mls_public_message") {
              throw new Error("another wire format");
            }
            const processed = await processMessage(
              message,
              state,
              makePskIndex(state, psks),
              () => "accept",
              impl,
            );
            state = processed.newState;
          }
          expect(toHex(state.keySchedule.epochAuthenticator)).toBe(epoch.epoch_authenticator);
        }
      }
    },
    60_000,
  );
});
