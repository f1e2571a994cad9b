/** Bounds on what the engine takes in, checked before anything is decoded: the library has none of its own. */
export const MLS_LIMITS = {
  maxKeyPackageBytes: 16_384,
  /** A GroupInfo with the largest group data, and one KEM ciphertext. */
  maxWelcomeBytes: 131_072,
  /** Of an application message, its framing included. */
  maxApplicationBytes: 1_048_576,
  /** Of a Commit: 1,000 X-Wing KeyPackages and the path to 1,000 leaves have 4 MB. */
  maxCommitBytes: 16_777_216,
  maxTreeBytes: 16_777_216,
  maxLeaves: 4_096,
  maxProposals: 4_096,
  maxGroupIdBytes: 64,
  maxGroupDataBytes: 65_535,
  /** How far a sender's ratchet may be ahead of what we saw. */
  maxForwardSteps: 2_000,
  /** Skipped generations of a sender's ratchet whose keys are kept for messages that come late. */
  keptGenerations: 8,
  /** Longest life of a KeyPackage, in seconds: 400 days. */
  maxLifetimeSec: 34_560_000,
  maxExportBytes: 8_160,
} as const;
