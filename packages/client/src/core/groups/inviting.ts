/**
 * Finding what a device needs to be added to a group: its account's newest device list, and a KeyPackage that fits that list. Devices that
 * speak the classic suite only, or left no KeyPackage, are not there.
 */
import type { MlsCiphersuite, VerifiedKeyPackage } from "@sotto/crypto";
import { MLS_CIPHERSUITE_IDS } from "@sotto/crypto";
import {
  SottoError,
  TransportError,
  UsageError,
  equalBytes,
  toHex,
  type Device,
  type KeyPackagesClaimed,
} from "@sotto/protocol";
import { isFresh, pinned } from "../directory.ts";
import { bytesOf } from "../hex.ts";
import { isUnbelievable, lookUp } from "../lookups.ts";
import { addNotice } from "../notices.ts";
import { isReady, request } from "../session.ts";
import { nowSec, type Step, type StepFunction } from "../step.ts";
import { nameOfAccount } from "./naming.ts";

/** A device that can be added. */
export interface Invitee {
  readonly account: string;
  readonly device: Device;
  readonly keyPackage: VerifiedKeyPackage;
}

/** Whom to find: all devices in use of an account but this one, or only some. */
export interface Wanted {
  readonly account: string;
  readonly devices?: readonly string[];
}

/** What was found; `error`: something failed on the way, and unless isHopeless() it may be worth another try. */
export interface Invited {
  readonly invitees: readonly Invitee[];
  readonly error: SottoError | undefined;
}

/** Whether nobody of an account can be found as long as the server says what it says; another try gives the same. */
export const isHopeless = (error: SottoError): boolean =>
  error.code === "identifier_not_found" || isUnbelievable(error);

/** Finds devices of accounts. `then` is called exactly once, in this step or a later one. */
export async function findInvitees(
  step: Step,
  wanted: readonly Wanted[],
  ciphersuite: MlsCiphersuite,
  then: (step: Step, invited: Invited) => Promise<void>,
): Promise<void> {
  const invitees: Invitee[] = [];
  let error: SottoError | undefined;
  let left = wanted.length;
  const note = (failed: SottoError): void => {
    if (error === undefined || isHopeless(error)) error = failed;
  };
  const finish = async (later: Step): Promise<void> => {
    left -= 1;
    if (left === 0) await then(later, { invitees, error });
  };
  if (left === 0) return then(step, { invitees, error });
  for (const one of wanted) {
    await withList(step, one.account, async (later, failed) => {
      if (failed !== undefined) {
        note(failed);
        return finish(later);
      }
      await claim(later, one, ciphersuite, async (last, found) => {
        if (found instanceof SottoError) note(found);
        else invitees.push(...found);
        await finish(last);
      });
    });
  }
}

async function withList(
  step: Step,
  account: string,
  then: (step: Step, failed: SottoError | undefined) => Promise<void>,
): Promise<void> {
  if (account === step.live.own.account || isFresh(step, await pinned(step, account))) {
    return then(step, undefined);
  }
  await lookUp(step, { account }, async (later, found) => {
    if (found.type === "failed") return then(later, found.error);
    if (found.type === "not-found") {
      return then(later, new UsageError("identifier_not_found", "the account does not exist any more"));
    }
    await then(later, undefined);
  });
}

async function claim(
  step: Step,
  { account, devices }: Wanted,
  ciphersuite: MlsCiphersuite,
  then: (step: Step, found: readonly Invitee[] | SottoError) => Promise<void>,
): Promise<void> {
  const usable = (await devicesOf(step, account)).filter(
    (device) => devices === undefined || devices.includes(toHex(device.deviceId)),
  );
  if (usable.length === 0) return then(step, []);
  // The server takes few such questions at once; the rest waits for its turn.
  const { claims } = step.live;
  const run = async (now: Step): Promise<void> => {
    if (!isReady(now)) return then(now, lost());
    claims.active += 1;
    ask(now, account, usable, ciphersuite, async (later, found) => {
      claims.active -= 1;
      await then(later, found);
      await claims.waiting.shift()?.(later);
    });
  };
  if (claims.active < mostClaims) await run(step);
  else claims.waiting.push(run);
}

/** Claims under way, and those that wait. */
export interface ClaimTurns {
  active: number;
  readonly waiting: StepFunction[];
}

const mostClaims = 12;
const lost = () => new TransportError("connection_lost", "the connection broke");

function ask(
  step: Step,
  account: string,
  usable: readonly Device[],
  ciphersuite: MlsCiphersuite,
  then: (step: Step, found: readonly Invitee[] | SottoError) => Promise<void>,
): void {
  request(
    step,
    (number) => ({
      case: "claimKeyPackages",
      value: {
        $typeName: "sotto.v1.ClaimKeyPackages",
        request: number,
        accountId: bytesOf(account),
        ciphersuite: MLS_CIPHERSUITE_IDS[ciphersuite],
        deviceIds: usable.map((device) => device.deviceId),
      },
    }),
    async (later, answer) => {
      if (answer.type === "refused" || answer.type === "lost") return then(later, answer.error);
      if (answer.type !== "claimed") return then(later, []);
      await then(later, await verified(later, account, usable, ciphersuite, answer.claimed));
    },
  );
}

/** The devices of an account that can be in groups, this one not among them. */
export async function devicesOf(step: Step, account: string): Promise<readonly Device[]> {
  return (await everyDeviceOf(step, account)).filter(({ revokedAtSec }) => revokedAtSec === 0n);
}

/** The same, with those that were revoked. */
export async function everyDeviceOf(step: Step, account: string): Promise<readonly Device[]> {
  const { own } = step.live;
  const known = await pinned(step, account);
  const devices = known?.list.list.devices ?? [];
  return devices.filter(
    (device) =>
      device.inboxKey.length > 0 && !(account === own.account && toHex(device.deviceId) === own.device),
  );
}

/** One of those devices. @param deviceId 16 bytes. */
export async function findDevice(
  step: Step,
  account: string,
  deviceId: Uint8Array,
): Promise<Device | undefined> {
  return (await devicesOf(step, account)).find((device) => equalBytes(device.deviceId, deviceId));
}

/** What the server handed out, as far as it is what the device list says. What is not, is told and passed over. */
async function verified(
  step: Step,
  account: string,
  usable: readonly Device[],
  ciphersuite: MlsCiphersuite,
  claimed: KeyPackagesClaimed,
): Promise<readonly Invitee[]> {
  const { mls } = step.env;
  const found: Invitee[] = [];
  for (const { deviceId, keyPackage } of claimed.keyPackages) {
    const device = usable.find((one) => equalBytes(one.deviceId, deviceId));
    if (device === undefined || found.some((one) => one.device === device)) continue;
    const { signatureKey } = device;
    const expected = { accountId: bytesOf(account), deviceId, signatureKey, ciphersuite };
    try {
      const read = await mls.readKeyPackage(keyPackage);
      found.push({ account, device, keyPackage: mls.verifyKeyPackage(read, expected, nowSec(step)) });
    } catch (cause) {
      if (!(cause instanceof SottoError)) throw cause;
      await addNotice(step, {
        type: "refused",
        from: await nameOfAccount(step, account),
        code: cause.code,
      });
    }
  }
  return found;
}
