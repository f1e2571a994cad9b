/**
 * Limits on what one account, one identifier and one network address may do, and all together. `burst` may come at once; `perHour` is
 * what comes back over time. The defaults leave room for a household or an office behind one address.
 */
import * as z from "zod";
import { amount, json } from "./config-types.ts";

const limit = (burst: number, perHour: number) =>
  z.strictObject({ burst: amount().default(burst), perHour: amount().default(perHour) }).prefault({});

/** The key `limits` of the configuration. */
export const limitsSchema = json(
  z.strictObject({
    /** One-time passwords for one identifier: with 5 tries each, few guesses a day. */
    codesPerIdentifier: limit(10, 2),
    /** One-time passwords asked for from one address. */
    codesPerAddress: limit(300, 100),
    /** Wrong one-time passwords from one address. */
    wrongCodesPerAddress: limit(60, 60),
    /** Sealed requests from one address: each costs an RSA decryption. */
    requestsPerAddress: limit(2_000, 36_000),
    /** Lookups by phone number or e-mail address. */
    lookupsPerAccount: limit(200, 400),
    lookupsPerAddress: limit(600, 3_600),
    /** Lookups by account id: these know whom they ask for. */
    accountLookupsPerAccount: limit(2_000, 6_000),
    accountLookupsPerAddress: limit(12_000, 60_000),
    /** Device lists published by one account. */
    deviceListsPerAccount: limit(60, 60),
    /** Entries appended by one account, and their bytes. */
    appendsPerAccount: limit(20_000, 36_000),
    appendedBytesPerAccount: limit(64 * 1_048_576, 128 * 1_048_576),
    /**
     * The same by everybody on this node together: 100,000 a second, and 1 GiB. That is more than a node does; an operator narrows it to
     * what disk and network bear.
     */
    appendsPerNode: limit(1_000_000, 360_000_000),
    appendedBytesPerNode: limit(4_096 * 1_048_576, 3_600 * 1_024 * 1_048_576),
    /** Conversation logs created and reader slots opened by one account. */
    logsPerAccount: limit(500, 100),
    slotsPerAccount: limit(5_000, 3_600),
    /** Readers attached and slots closed: a client attaches all its logs each time it connects. */
    readsPerAccount: limit(50_000, 360_000),
    /** Requests of one account that put KeyPackages; their bytes count like appended ones. */
    keyPackagePutsPerAccount: limit(300, 300),
    /** KeyPackages claimed: one claim for each person who is added to a conversation. */
    keyPackageClaimsPerAccount: limit(3_000, 3_600),
    keyPackageClaimsPerAddress: limit(30_000, 36_000),
    /** Claims by one account from one other, and by all from one, that get more than the last resort. */
    oneTimeClaimsPerPair: limit(10, 5),
    oneTimeClaimsPerTarget: limit(200, 100),
    /** Offers of devices that ask to be linked, and answers to them. */
    linksPerAddress: limit(20, 60),
    linkAnswersPerAccount: limit(20, 20),
    /** Links asked for that are not there. */
    linkMissesPerAccount: limit(10, 30),
    linkMissesPerAddress: limit(30, 100),
    /** Backups for recovery stored by one account; their bytes count like appended ones. */
    recoveryPutsPerAccount: limit(60, 60),
    /** How one account's devices are woken, noted anew: each does that when it connects. */
    pushPutsPerAccount: limit(300, 300),
    /** Blobs that one account begins to upload, and their bytes. */
    blobsPerAccount: limit(2_000, 2_000),
    blobBytesPerAccount: limit(1_024 * 1_048_576, 1_024 * 1_048_576),
    /** Requests about blobs from one address: parts that are uploaded, downloads, deletions. */
    blobRequestsPerAddress: limit(12_000, 72_000),
  }),
).prefault({});
