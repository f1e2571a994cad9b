/**
 * This device's KeyPackages: made and stored with their secrets before the server has them, topped up when few are left. The secrets of
 * one go when a Welcome used it, or when it is too old to be used.
 */
import { MLS_CIPHERSUITE_IDS, type MlsCiphersuite } from "@sotto/crypto";
import { toHex } from "@sotto/protocol";
import { accountOf, deviceOf } from "../hex.ts";
import { backoffMs } from "../reconnect.ts";
import { isReady, request } from "../session.ts";
import { nextOrder, nowSec, type Step } from "../step.ts";
import { groupNames, type OwnKeyPackage } from "./records.ts";

/** The callers who wait until others can add this device. */
export const KEY_PACKAGES_PUBLISHED = "key packages published";

const suites: readonly MlsCiphersuite[] = ["x-wing", "x25519"];
const stock: Record<MlsCiphersuite, number> = { "x-wing": 40, x25519: 10 };
const lifetimeSec = 90 * 86_400;
const renewLastResortSec = 30 * 86_400;
const mostStocks = 8;
const renewedForMs = 3_600_000;
/**
 * For clocks that differ: a server lets nobody in whose clock is wrong by more than a week (LIMITS.maxCertificateLifetimeSec), and two may be
 * wrong to either side. A device with a wrong clock can be added, and loses nothing.
 */
const backdatedSec = 15 * 86_400;

/** Where publishing stands. */
export interface KeyPackageState {
  readonly left: Map<MlsCiphersuite, number>;
  busy: boolean;
  failures: number;
  /** Everything that is to be there was there when this connection last looked. */
  published: boolean;
  /** Where what the server has is not to be relied on: all of it is to be replaced. */
  readonly stale: Set<MlsCiphersuite>;
  /** When that was done last for all of them. */
  renewedAtMs: number | undefined;
}

/** Nothing is known yet. */
export const newKeyPackageState = (): KeyPackageState => ({
  left: new Map(),
  busy: false,
  failures: 0,
  published: false,
  stale: new Set(),
  renewedAtMs: undefined,
});

/**
 * Has all KeyPackages replaced, since the server handed one out again, or may: at most once an hour. True: that was done, or was done
 * lately.
 */
export async function renewKeyPackages(step: Step): Promise<boolean> {
  const { keyPackages } = step.live;
  const agoMs = step.env.nowMs() - (keyPackages.renewedAtMs ?? -Infinity);
  if (agoMs >= 0 && agoMs < renewedForMs) return true;
  for (const suite of suites) keyPackages.stale.add(suite);
  await checkKeyPackages(step);
  return false;
}

/** Asks how many are left, and tops up. */
export async function checkKeyPackages(step: Step): Promise<void> {
  const { keyPackages } = step.live;
  if (!isReady(step) || keyPackages.busy) return;
  keyPackages.busy = true;
  await deleteExpired(step);
  await checkSuite(step, 0);
}

async function checkSuite(step: Step, index: number): Promise<void> {
  const suite = suites[index];
  const { keyPackages } = step.live;
  if (suite === undefined) {
    // Asked for while others were looked at.
    if (keyPackages.stale.size > 0) return checkSuite(step, 0);
    keyPackages.busy = false;
    keyPackages.failures = 0;
    keyPackages.published = true;
    const settle = () => step.waiters.resolve(KEY_PACKAGES_PUBLISHED);
    return void step.effects.push({ type: "settle", settle });
  }
  request(
    step,
    (number) => ({
      case: "countKeyPackages",
      value: {
        $typeName: "sotto.v1.CountKeyPackages",
        request: number,
        ciphersuite: MLS_CIPHERSUITE_IDS[suite],
      },
    }),
    async (later, answer) => {
      if (answer.type !== "counted") return setback(later);
      const { left, hasLastResort } = answer.count;
      later.live.keyPackages.left.set(suite, left);
      await topUp(later, suite, left, hasLastResort, index);
    },
  );
}

async function topUp(
  step: Step,
  suite: MlsCiphersuite,
  left: number,
  hasLastResort: boolean,
  index: number,
): Promise<void> {
  const own = await ownKeyPackages(step);
  // The server has more or fewer than were made here: it was restored, or we were. What nobody can open must not be handed out.
  const known = own.filter((one) => one.value.ciphersuite === suite && !one.value.lastResort);
  const isStale = step.live.keyPackages.stale.has(suite);
  const replace = left > known.length || isStale;
  const missing = replace ? stock[suite] : stock[suite] - left;
  const newest = own.findLast((one) => one.value.ciphersuite === suite && one.value.lastResort)?.value;
  const lastResortAge = newest === undefined ? Infinity : nowSec(step) - (newest.notAfterSec - lifetimeSec);
  const renews = !hasLastResort || lastResortAge > renewLastResortSec;
  if (!replace && !renews && missing < stock[suite] / 2) return checkSuite(step, index + 1);

  const made = await Promise.all(Array.from({ length: missing }, () => makeOne(step, suite, false)));
  const lastResort = renews || replace ? await makeOne(step, suite, true) : undefined;
  for (const one of [...made, ...(lastResort === undefined ? [] : [lastResort])]) keep(step, one);
  await forgetOldest(step, suite);
  request(
    step,
    (number) => ({
      case: "putKeyPackages",
      value: {
        $typeName: "sotto.v1.PutKeyPackages",
        request: number,
        ciphersuite: MLS_CIPHERSUITE_IDS[suite],
        keyPackages: made.map((one) => one.keyPackage),
        lastResort: lastResort?.keyPackage ?? new Uint8Array(),
        replace,
      },
    }),
    async (later, answer) => {
      if (answer.type !== "done") return setback(later);
      const { keyPackages } = later.live;
      keyPackages.left.set(suite, (replace ? 0 : left) + made.length);
      if (isStale && keyPackages.stale.delete(suite) && keyPackages.stale.size === 0) {
        keyPackages.renewedAtMs = later.env.nowMs();
      }
      await checkSuite(later, index + 1);
    },
  );
}

async function makeOne(step: Step, ciphersuite: MlsCiphersuite, lastResort: boolean): Promise<OwnKeyPackage> {
  const { own } = step.live;
  const notAfterSec = nowSec(step) + lifetimeSec;
  const made = await step.env.mls.createKeyPackage({
    ciphersuite,
    client: { accountId: accountOf(own.account), deviceId: deviceOf(own.device) },
    signatureKey: own.deviceKey,
    notBeforeSec: nowSec(step) - backdatedSec,
    notAfterSec,
    lastResort,
  });
  const { keyPackage, secrets } = made;
  return { ref: toHex(made.ref), ciphersuite, keyPackage, secrets, lastResort, notAfterSec };
}

function keep(step: Step, one: OwnKeyPackage): void {
  const order = nextOrder(step);
  step.draft.putItem(groupNames.keyPackages, order, one);
  step.draft.put(groupNames.keyPackageOf(one.ref), order);
}

/** The KeyPackage of this device with that ref. */
export async function keyPackageOf(step: Step, ref: Uint8Array): Promise<OwnKeyPackage | undefined> {
  const order = await step.draft.get(groupNames.keyPackageOf(toHex(ref)));
  return order === undefined ? undefined : step.draft.item(groupNames.keyPackages, order);
}

/** A Welcome used a KeyPackage: its secrets go, unless it is a last resort, which others may be using now. */
export async function useUp(step: Step, one: OwnKeyPackage): Promise<void> {
  if (one.lastResort) return;
  await forget(step, one);
  step.live.keyPackages.published = false;
}

async function forget(step: Step, one: OwnKeyPackage): Promise<void> {
  const order = await step.draft.get(groupNames.keyPackageOf(one.ref));
  if (order !== undefined) step.draft.deleteItem(groupNames.keyPackages, order);
  step.draft.delete(groupNames.keyPackageOf(one.ref));
}

/** Whatever a server says it has or has not, no more than this lies here; the oldest go first. */
async function forgetOldest(step: Step, suite: MlsCiphersuite): Promise<void> {
  const own = (await ownKeyPackages(step)).filter((one) => one.value.ciphersuite === suite);
  for (const [lastResort, most] of [
    [false, stock[suite] * mostStocks],
    [true, mostStocks],
  ] as const) {
    const kind = own.filter((one) => one.value.lastResort === lastResort);
    for (const { value } of kind.slice(0, Math.max(0, kind.length - most))) await forget(step, value);
  }
}

async function deleteExpired(step: Step): Promise<void> {
  const oldest = nowSec(step) - backdatedSec;
  for (const { value } of await ownKeyPackages(step)) {
    if (value.notAfterSec < oldest) await forget(step, value);
  }
}

const ownKeyPackages = (step: Step) => step.draft.page(groupNames.keyPackages);

function setback(step: Step): void {
  const { keyPackages } = step.live;
  keyPackages.failures += 1;
  if (!isReady(step)) {
    keyPackages.busy = false;
    return;
  }
  step.effects.push({
    type: "timer",
    name: "key packages",
    delayMs: backoffMs(keyPackages.failures, step.env.random()),
    run: async (later) => {
      later.live.keyPackages.busy = false;
      await checkKeyPackages(later);
    },
  });
}
