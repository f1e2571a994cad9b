/** What so many people do to the server: pure arithmetic from assumptions. Rates are at the peak unless they say otherwise. */
import { PEOPLE } from "./assumptions.ts";

/**
 * "as built", or "changed": the changes that docs/scale.md asks for first. Receipts of groups go to the devices of who wrote alone; wake-ups
 * bring the entries; acks of a log are stored together; looks at heads are rare while the bus is well; all logs are attached by one
 * statement.
 */
export type Design = "as built" | "changed";

/** Entries of one message, and who reads them. */
interface Traffic {
  readonly textReaders: number;
  readonly receipts: number;
  readonly receiptReaders: number;
}

/** Everything a second, at the peak. */
export interface Load {
  readonly messages: number;
  readonly averageMessages: number;
  /** By which devices renew their keys. */
  readonly commits: number;
  readonly appends: number;
  readonly receipts: number;
  readonly deliveries: number;
  /** Deliveries to devices that are connected when the entry is stored; all others are taken later, many at once. */
  readonly live: number;
  readonly acks: number;
  readonly connections: number;
  readonly signIns: number;
  /** Logs that nodes look at to see whether a wake-up was lost. */
  readonly looks: number;
  readonly wakes: number;
  readonly pushes: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Share of the deliveries that are receipts in groups. */
  readonly groupReceiptShare: number;
  /** Share of the bytes out that are Commits. */
  readonly commitShare: number;
}

const v = Object.fromEntries(Object.entries(PEOPLE).map(([name, { value }]) => [name, value])) as {
  readonly [Name in keyof typeof PEOPLE]: number;
};
const daySec = 86_400;
const pollSec = 1.5;
const rarePollSec = 60;
const ackBytes = 150;

/** How many receipts so many recipients send for one message: "delivered" by each device, joined by who comes back; "read" by each account. */
const receiptsOf = (recipients: number): number =>
  recipients * (v.devices * (v.connected + (1 - v.connected) / v.catchUp) + 1 / v.readJoin);

/** Of a message to one person, and of one to a group. */
export function trafficOf(design: Design): { readonly pair: Traffic; readonly group: Traffic } {
  const [pairReaders, groupReaders] = [2 * v.devices, v.groupSize * v.devices];
  return {
    pair: { textReaders: pairReaders, receipts: receiptsOf(1), receiptReaders: pairReaders },
    group: {
      textReaders: groupReaders,
      receipts: receiptsOf(v.groupSize - 1),
      receiptReaders: design === "changed" ? v.devices : groupReaders,
    },
  };
}

/** Commits a day: of the logs of pairs, and of groups. A log of n devices has n in seven days. */
function commitsOf(people: number): { readonly pairs: number; readonly groups: number } {
  const [inPair, inGroup] = [2 * v.devices, v.groupSize * v.devices];
  return {
    pairs: ((people * (v.conversations - v.groups)) / 2) * (inPair / v.updateDays),
    groups: ((people * v.groups) / v.groupSize) * (inGroup / v.updateDays),
  };
}

/** The load of so many people. */
export function loadOf(people: number, design: Design): Load {
  const { pair, group } = trafficOf(design);
  const averageMessages = (people * v.messagesPerDay) / daySec;
  const messages = averageMessages * v.peakFactor;
  const [toPairs, toGroups] = [messages * (1 - v.groupShare), messages * v.groupShare];
  const receipts = toPairs * pair.receipts + toGroups * group.receipts;
  const texts = toPairs * pair.textReaders + toGroups * group.textReaders;
  const groupReceipts = toGroups * group.receipts * group.receiptReaders;
  const receiptDeliveries = toPairs * pair.receipts * pair.receiptReaders + groupReceipts;
  const daily = commitsOf(people);
  const [pairCommits, groupCommits] = [daily.pairs, daily.groups].map(
    (perDay) => (perDay * v.peakFactor) / daySec,
  ) as [number, number];
  const [pairCommitDeliveries, groupCommitDeliveries] = [
    pairCommits * pair.textReaders,
    groupCommits * group.textReaders,
  ];
  const deliveries = texts + receiptDeliveries + pairCommitDeliveries + groupCommitDeliveries;
  const live = deliveries * v.connected;
  const late = (deliveries - live) / v.catchUp;
  const devices = people * v.devices;
  const connections = devices * v.connected;
  const commits = pairCommits + groupCommits;
  const appends = messages + receipts + commits;
  const commitBytes = pairCommitDeliveries * v.pairCommitBytes + groupCommitDeliveries * v.groupCommitBytes;
  const bytesOut = texts * v.textBytes + receiptDeliveries * v.receiptBytes + commitBytes;
  const changed = design === "changed";
  return {
    messages,
    averageMessages,
    commits,
    appends,
    receipts,
    deliveries,
    live,
    acks: changed ? live / v.catchUp + late : live + late,
    connections,
    signIns: ((devices * v.connectsPerDay) / daySec) * v.peakFactor,
    looks: (connections * (v.conversations + 1)) / (changed ? rarePollSec : pollSec),
    // Readers of a log are on as many nodes as there are readers, nearly: each of those nodes gets one.
    wakes: live,
    pushes: ((devices * v.connectsPerDay) / daySec) * v.peakFactor,
    bytesIn:
      messages * v.textBytes +
      receipts * v.receiptBytes +
      pairCommits * v.pairCommitBytes +
      groupCommits * v.groupCommitBytes +
      (live + late) * ackBytes,
    bytesOut,
    groupReceiptShare: groupReceipts / deliveries,
    commitShare: commitBytes / bytesOut,
  };
}

/** Bytes at rest. */
export interface Storage {
  /** Entries that some device has not acked yet: with the mean times, and when each waits for the whole retention. */
  readonly entries: number;
  readonly worstEntries: number;
  /** KeyPackages, slots, lists. */
  readonly devices: number;
  readonly attachments: number;
}

/** What so many people's data weigh. */
export function storageOf(people: number, design: Design): Storage {
  const { pair, group } = trafficOf(design);
  const perHour = (people * v.messagesPerDay) / 24;
  const [text, receipt] = [v.textBytes, v.receiptBytes].map((bytes) => bytes - 100 + v.rowBytes) as [
    number,
    number,
  ];
  const commits = commitsOf(people);
  const pairs =
    perHour * (1 - v.groupShare) * (text + pair.receipts * receipt) +
    (commits.pairs / 24) * (v.pairCommitBytes + v.rowBytes);
  const groups =
    perHour * v.groupShare * (text + group.receipts * receipt) +
    (commits.groups / 24) * (v.groupCommitBytes + v.rowBytes);
  return {
    entries: pairs * v.pairHours + groups * v.groupHours,
    worstEntries: (pairs + groups) * v.retentionDays * 24,
    devices: people * v.devices * v.deviceBytes,
    attachments: people * v.attachmentsPerDay * v.attachmentBytes * v.attachmentDays,
  };
}
