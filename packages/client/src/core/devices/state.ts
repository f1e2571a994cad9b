/** Where the work between the own devices stands. */
import { names } from "../records.ts";
import type { View } from "../vault-store.ts";

/** What lives in memory. */
export interface DevicesState {
  /** The group of the own devices is being made. */
  making: boolean;
  /** Orders of devices that were linked from here and are not done with. */
  readonly jobs: number[];
  /** The first of them waits for a timer. */
  waiting: boolean;
  /** Orders of parts of the history that are to be fetched. */
  readonly offers: number[];
  fetching: boolean;
  /** The backup may differ from the server's. */
  backupDue: boolean;
  backingUp: boolean;
}

/** Reads from the vault what is left to do. */
export async function loadDevices(view: View): Promise<DevicesState> {
  return {
    making: false,
    jobs: (await view.page(names.linkJobs)).map(({ order }) => order),
    waiting: false,
    offers: (await view.page(names.historyOffers)).map(({ order }) => order),
    fetching: false,
    backupDue: true,
    backingUp: false,
  };
}

/** The connection is gone: whatever was under way begins anew with the next. */
export function resetDevices(devices: DevicesState): void {
  devices.making = false;
  devices.waiting = false;
  devices.fetching = false;
  devices.backingUp = false;
  devices.backupDue = true;
}
