/** What no engine of messages can go below here: a signature, its check, an X25519 exchange, a synced change set. */
import { diffieHellman, generateKeyPairSync, sign, verify } from "node:crypto";
import type { Notebook } from "./samples.ts";
import type { BenchVault } from "./vault.ts";

/** Measures them. */
export async function measureFloors(
  notebook: Notebook,
  vault: BenchVault,
  text: Uint8Array,
  times: number,
): Promise<void> {
  const ed = generateKeyPairSync("ed25519");
  const signature = sign(undefined, text, ed.privateKey);
  const [a, b] = [generateKeyPairSync("x25519"), generateKeyPairSync("x25519")];
  await notebook.mean("floor", 0, "Ed25519: sign", times, async () => {
    sign(undefined, text, ed.privateKey);
  });
  await notebook.mean("floor", 0, "Ed25519: verify", times, async () => {
    verify(undefined, text, ed.publicKey, signature);
  });
  await notebook.mean("floor", 0, "X25519: one exchange", times, async () => {
    diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey });
  });
  await notebook.mean("floor", 0, "a change set of one record of 100 bytes", times, async (i) => {
    const draft = vault.store.draft();
    draft.putItem({ list: "floor" }, i, text.subarray(0, 100));
    await draft.commit();
  });
}
