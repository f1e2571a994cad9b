/**
 * What docs/scale.md assumes of people, devices and prices, each with its reason. What anything costs is measured:
 * see simulation/parameters.ts.
 */

/** An assumption. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  readonly why: string;
}

const of = (value: number, unit: string, why: string): Assumption => ({ value, unit, why });

/** Of people and their devices. */
export const PEOPLE = {
  messagesPerDay: of(40, "a person and day", "given"),
  groupShare: of(0.2, "of the messages go to groups", "given"),
  groupSize: of(30, "people in a group", "given"),
  devices: of(1.5, "devices a person", "a phone or browser each, and every second person one more"),
  peakFactor: of(
    3,
    "times the average at the peak",
    "people write in 12 of 24 hours, which doubles it; and a quarter of a day's messages falls into its two busiest hours, half as much again",
  ),
  connected: of(
    0.4,
    "of all devices are connected at the peak",
    "phones keep no connection open while they sleep; browsers and terminals do while they run",
  ),
  conversations: of(50, "conversations a device reads", "each is a log that it attaches when it connects"),
  groups: of(5, "of these are groups of 30", "the others are with one person"),
  updateDays: of(
    7,
    "days after which a device renews its key in a conversation, by a Commit",
    "the client does, whether or not anything is said",
  ),
  pairCommitBytes: of(
    6_000,
    "bytes of that Commit in a pair, X-Wing",
    "measured: 4,174 with two devices; three have one level more",
  ),
  groupCommitBytes: of(
    20_000,
    "bytes of it in a group of 45 devices, X-Wing",
    "six levels of 2.3 KB and what is signed, where others made Commits before; measured where nobody did: 131,152 with 100",
  ),
  connectsPerDay: of(
    10,
    "times a day a device connects",
    "each time that it is looked at, or a network is lost",
  ),
  catchUp: of(
    10,
    "entries that a device finds in a log when it comes back",
    "it takes them with one read, and answers with one receipt",
  ),
  readJoin: of(2, "messages that one “read” receipt names", "people read what came together"),
  textBytes: of(
    1_124,
    "bytes of a text as it travels",
    "the bench's 1,024, and 100 of WebSocket, TLS, TCP and IP",
  ),
  receiptBytes: of(500, "bytes of a receipt as it travels", "about 400 under MLS, padded, and 100 as above"),
  pairHours: of(8, "hours until all devices of a pair have an entry", "the slower of three devices"),
  groupHours: of(72, "hours until all 45 devices of a group have an entry", "the slowest of 45 devices"),
  retentionDays: of(90, "days until an entry goes that nobody acks", "the default"),
  rowBytes: of(150, "bytes that a row has beside its body", "header, keys, index"),
  deviceBytes: of(
    126_000,
    "bytes of a device at rest",
    "40 X-Wing KeyPackages of 2.8 KB, 10 of X25519 of 0.4 KB, its part of the device list, and 51 slots of 120 B",
  ),
  attachmentsPerDay: of(1, "attachment a person and day", "told beside everything else"),
  attachmentBytes: of(400_000, "bytes of an attachment", "a picture that was made smaller"),
  attachmentDays: of(30, "days that it is kept", "operators choose"),
  codesPerYear: of(
    1.3,
    "one-time passwords a person and year",
    "one to register in the first, and now and then another",
  ),
} as const satisfies Record<string, Assumption>;

/** How full things are made, and what one of them bears. */
export const SIZES = {
  utilisation: of(
    0.5,
    "of a thread or core is used at the peak",
    "a third of all may be lost: see the simulation",
  ),
  commitsPerSec: of(150, "commits a second by a busy node", "2 ms apart, and the time that one takes"),
  shardCores: of(16, "cores of a database shard", "a common machine"),
  primaryCores: of(64, "cores of the largest primary that one would run", "more exist, at other prices"),
  databaseConnections: of(1_000, "connections that one PostgreSQL bears well", "10 for each node"),
  busPerSec: of(
    5_000_000,
    "wake-ups a second through a NATS cluster",
    "as others report it; not measured here",
  ),
  nodeGiB: of(4, "GiB of memory for a node", "10,000 connections take 77 MiB, its cache of V8 more"),
} as const satisfies Record<string, Assumption>;

/** US dollars, of November 2026, rounded; what is bought in bulk differs by a factor of three either way. */
export const PRICES = {
  nodeCore: of(15, "dollars a month for a core with 4 GiB", "rented virtual machines"),
  databaseCore: of(
    60,
    "dollars a month for a core of a database with its standby",
    "twice a core with 8 GiB",
  ),
  storageGb: of(0.16, "dollars a month for a GB on SSD, twice", "primary and standby"),
  objectGb: of(0.015, "dollars a month for a GB of attachments", "object storage"),
  egressGb: of(
    0.01,
    "dollars for a GB out",
    "bandwidth that is bought; the list prices of clouds are five to nine times as much",
  ),
  code: of(0.04, "dollars for one SMS", "mean of the world; from 0.01 to 0.30 by country"),
} as const satisfies Record<string, Assumption>;
