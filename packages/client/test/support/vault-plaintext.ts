/** Everything that a device's vault holds, opened: for tests of what must be gone from it. */
import { fromUtf8 } from "@sotto/protocol";
import type { SimulatedDevice } from "@sotto/testkit/simulation";

/** All records of the vault as one text. */
export async function plaintextOfVault({ rows, vault }: SimulatedDevice): Promise<string> {
  const opened = await Promise.all([...rows.values()].map(({ key, value }) => vault.open(key, value)));
  return opened.map((record) => fromUtf8(record)).join("\n");
}
