/** Finding somebody's device in the directory by hand, for attackers who write to real clients. */
import { type DeviceList, accountId, deviceId, logId, parseDeviceList } from "@sotto/protocol";
import type { Recipient } from "./person.ts";
import type { RawClient } from "./raw-client.ts";

/** The newest device list of whoever has the identifier, as the server tells it. @throws Error when nobody has. */
export async function lookUpList(client: RawClient, identifier: string): Promise<DeviceList> {
  const request = client.request();
  client.send({ case: "lookup", value: { request, subject: { case: "identifier", value: identifier } } });
  const { lists } = await client.next("lookupResult", (result) => result.request === request);
  const newest = lists.at(-1);
  if (newest === undefined) throw new Error(`nobody has ${identifier}`);
  return parseDeviceList(newest.list);
}

/** The first device of whoever has the identifier, as the server tells it. @throws Error when there is none. */
export async function lookUp(client: RawClient, identifier: string): Promise<Recipient> {
  const list = await lookUpList(client, identifier);
  const [device] = list.devices;
  const key = device?.classicKeys.at(-1);
  if (device === undefined || key === undefined) throw new Error(`${identifier} has no device`);
  return {
    address: { account: accountId(list.accountId), device: deviceId(device.deviceId) },
    inbox: logId(device.inboxId),
    rsaPublicKey: key.publicKey,
  };
}
