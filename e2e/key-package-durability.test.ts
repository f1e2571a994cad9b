/**
 * No KeyPackage is handed out twice, whatever happens: many devices claim at once from one, and the real `sotto serve` is
 * killed with SIGKILL at random moments. What was handed out just before a crash must be gone after it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { SeededRandom } from "@sotto/testkit";
import { KillableServer } from "./support/killable-server.ts";
import { WireSession, addDevices } from "./support/wire-device.ts";

const kills = 12;
const claimers = 6;
const inFlight = 8;
const perRound = 150;
const ciphersuite = 1;
const lastResort = "last resort";
const seed = Number(process.env["SOTTO_SEED"] ?? 20_261_124);
const random = new SeededRandom(seed);

const wide = { burst: 1_000_000, perHour: 1_000_000 };
const limits = {
  keyPackageClaimsPerAccount: wide,
  keyPackageClaimsPerAddress: wide,
  oneTimeClaimsPerPair: wide,
  oneTimeClaimsPerTarget: wide,
};
const folder = mkdtempSync(join(tmpdir(), "sotto-key-packages-"));
const server = new KillableServer(folder, ["--limits", JSON.stringify(limits)]);
afterAll(async () => {
  await server.stop("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("what was handed out is gone after SIGKILL", async () => {
  console.log(`KeyPackages: seed ${seed}, ${kills} kills, ${claimers} claimers`);
  await server.start();
  await server.stop("SIGTERM");
  const [owner, ...devices] = await addDevices(server.databasePath, 1 + claimers);
  if (owner === undefined) throw new Error("no device");
  const handedOut = new Set<string>();
  let duplicates = 0;
  let lastResorts = 0;
  let put = 0;

  for (let round = 0; round < kills; round++) {
    const { url, fingerprint } = await server.start();
    const giver = await WireSession.open(url, owner, fingerprint);
    const count = await giver.ask(
      { case: "countKeyPackages", value: { request: 1, ciphersuite } },
      "keyPackageCount",
    );
    if (count.case !== "keyPackageCount") throw new Error("not counted");
    const names = Array.from({ length: perRound - count.value.left }, () => `key package ${++put}`);
    const keyPackages = names.map((name) => Buffer.from(name));
    const value = { request: 2, ciphersuite, keyPackages, lastResort: Buffer.from(lastResort) };
    await giver.ask({ case: "putKeyPackages", value }, "done");

    const sessions = await Promise.all(devices.map((device) => WireSession.open(url, device, fingerprint)));
    for (const session of sessions) {
      let request = 0;
      const claim = () => ({
        case: "claimKeyPackages" as const,
        value: { request: ++request, accountId: owner.account, ciphersuite },
      });
      session.onFrame = (frame) => {
        if (frame.case !== "keyPackagesClaimed") return;
        for (const { keyPackage } of frame.value.keyPackages) {
          const name = Buffer.from(keyPackage).toString();
          if (name === lastResort) lastResorts++;
          else if (handedOut.has(name)) duplicates++;
          else handedOut.add(name);
        }
        session.send(claim());
      };
      session.send(...Array.from({ length: inFlight }, claim));
    }
    await new Promise((done) => setTimeout(done, 2 + random.integer(60)));
    await server.stop("SIGKILL");
    for (const session of [giver, ...sessions]) session.close();
  }

  console.log(`KeyPackages: ${put} put, ${handedOut.size} handed out, ${lastResorts} times the last resort`);
  expect(duplicates).toBe(0);
  expect(handedOut.size).toBeGreaterThan(kills * 20);
  expect(handedOut.size).toBeLessThanOrEqual(put);
}, 120_000);
