/** Every limit that both sides must know. spec/PROTOCOL.md lists them; a test keeps the two equal. */
export const LIMITS = {
  /** Version of the protocol that this code speaks. */
  protocolVersion: 1,
  /** Largest WebSocket message either way, in bytes. */
  maxMessageBytes: 4_194_304,
  /** Most frames in one WebSocket message. */
  maxFramesPerMessage: 1_024,
  /** Most protobuf fields in one serialized message, nested ones included: bounds the work of parsing it. */
  maxFieldsPerMessage: 16_384,
  /** Largest body of an entry, in bytes; of a COMMIT. */
  maxEntryBytes: 262_144,
  maxCommitBytes: 3_670_016,
  /** Largest serialized DeviceList, in bytes. */
  maxDeviceListBytes: 65_536,
  /** Most devices an account lists, revoked ones among them. */
  maxDevices: 128,
  /** Longest sealed name of a device, in bytes. */
  maxSealedNameBytes: 160,
  /** Most RSA keys a device lists, retired ones among them. */
  maxClassicKeys: 32,
  /** Most device list versions in one LookupResult. */
  maxListsPerLookup: 64,
  /** Largest KeyPackage that the server stores, in bytes. */
  maxKeyPackageBytes: 16_384,
  /** Most KeyPackages that are handed out once, stored for one device and ciphersuite. */
  maxKeyPackages: 200,
  /** Most ciphersuites that one device has KeyPackages of. */
  maxKeyPackageSuites: 4,
  /** Most bytes of KeyPackages in one KeyPackagesClaimed. */
  maxClaimedBytes: 524_288,
  /** Largest offer of a device that asks to be linked, and largest answer to it, in bytes. */
  maxLinkOfferBytes: 16_384,
  maxLinkAnswerBytes: 262_144,
  /** How long a link may be answered, in seconds; how long AwaitLink waits at most, in milliseconds. */
  linkLifetimeSec: 600,
  /** Length of the code that people type to approve a device, in bytes. */
  linkCodeBytes: 10,
  linkPollMs: 15_000,
  /** Largest backup for recovery, in bytes. */
  maxRecoveryBytes: 524_288,
  /** Life of a recovery ticket, in seconds. */
  recoveryTicketSec: 900,
  /** How long after its delay a reset may be finished, in seconds: 7 days. */
  resetWindowSec: 604_800,
  /** Longest URL of a push service, in UTF-8 bytes. */
  maxPushEndpointBytes: 2_048,
  /** Largest part of a blob that one request brings, in bytes. */
  maxBlobPartBytes: 4_194_304,
  /** Life of a ticket to upload a blob, in seconds. */
  blobTicketSec: 900,
  /** Bytes of a file that are sealed together. */
  attachmentChunkBytes: 65_536,
  /** Shorter files are padded to so many bytes. */
  minAttachmentBytes: 4_096,
  /** Most attachments of one message. */
  maxAttachments: 10,
  /** Longest name of a file, in UTF-8 bytes, and longest media type, in characters. */
  maxFileNameBytes: 255,
  maxMediaTypeChars: 127,
  /** Largest small picture in a message, in bytes, and longest side of one, in pixels. */
  maxThumbnailBytes: 16_384,
  maxThumbnailPixels: 512,
  /** Longest blur, and longest loudness of a recording, in bytes. */
  maxPreviewBytes: 64,
  maxWaveformBytes: 128,
  /** Largest request over HTTP but parts of blobs, in bytes. */
  maxRequestBytes: 131_072,
  /** Length of an identifier in UTF-8 bytes. */
  maxIdentifierBytes: 254,
  /** Default and largest window of a reader, in entries. */
  defaultWindow: 256,
  maxWindow: 1_024,
  /** The greatest epoch that a conversation log may be created with: Commits can never count it out of 53 bits. */
  maxFirstEpoch: 281_474_976_710_656,
  /** Most reader slots of one log. */
  maxSlotsPerLog: 8_192,
  /** Most logs attached by one connection. */
  maxAttachedLogs: 16_384,
  /** How long a connection may stay without signing in, in milliseconds. */
  signInTimeoutMs: 10_000,
  /** Life and tries of a one-time password. */
  codeLifetimeSec: 600,
  codeTries: 5,
  codeDigits: 6,
  /** How long entries that nobody acks are kept, in seconds: 90 days. */
  retentionSec: 7_776_000,
  /** Largest body of a classic text, in UTF-8 bytes. */
  maxTextBytes: 65_536,
  /** How old, and how far ahead of our clock, a classic message may be, in seconds: retention plus a day; 5 minutes. */
  maxMessageAgeSec: 7_862_400,
  maxClockSkewSec: 300,
  /** How long after it was retired an RSA key may still have signed a message that is taken, in seconds: a day. */
  retiredKeyGraceSec: 86_400,
  /** Most messages that one classic receipt names. */
  maxReceiptsPerMessage: 1_024,
  /** Longest emoji of a reaction, and longest beginning of a text that is quoted, in UTF-8 bytes. */
  maxEmojiBytes: 64,
  maxExcerptBytes: 512,
  /** Longest time that messages of a conversation with a timer are kept, in seconds: a year. */
  maxTimerSec: 31_536_000,
  /** Most people in a group, and most devices of theirs. */
  maxGroupMembers: 1_000,
  maxGroupDevices: 2_048,
  /** Groups up to this many people tell each other what was delivered and read. */
  maxReceiptMembers: 32,
  /** Longest name that somebody chooses for themselves, in characters. */
  maxDisplayNameLength: 64,
  /** Longest life of a server's challenge key, in seconds: 7 days. */
  maxCertificateLifetimeSec: 604_800,
} as const;
