/** What the vault holds of attachments: what a message says of each, and how far uploads are. */
import type { ListName, RecordName } from "../vault-store.ts";
import type { MessagePlace } from "../records.ts";

/** A file as its message tells of it. */
export interface AttachmentRecord {
  /** What reads the blob, and what opens it, 32 bytes each. */
  readonly readToken: Uint8Array;
  readonly key: Uint8Array;
  /** Of the file, in bytes. */
  readonly size: number;
  /** Over the sealed chunks, 32 bytes; empty until it was uploaded. */
  readonly digest: Uint8Array;
  /** As the sender says. */
  readonly mediaType: string;
  readonly name: string;
  readonly width?: number;
  readonly height?: number;
  readonly durationMs?: number;
  /** A blur to show until more is there. */
  readonly preview?: Uint8Array;
  readonly voice?: true;
  readonly waveform?: Uint8Array;
  /** A small picture lies under attachmentNames.thumbnail. */
  readonly thumbnail?: true;
  /** Passed on from another message, whose blob it is. */
  readonly shared?: true;
}

/** A file on its way to the server. */
export interface UploadRecord {
  /** Names what is kept of its bytes: 32 hexadecimal digits. */
  readonly id: string;
  /** The message, and which of its attachments it is. */
  readonly place: MessagePlace;
  readonly index: number;
  readonly size: number;
  readonly readToken: Uint8Array;
  readonly key: Uint8Array;
  /** Whether its bytes are kept in the vault. */
  readonly kept: boolean;
  /** Where else they can be had after a restart; as whoever sent it says. */
  readonly reference?: string;
  /** Metadata are to be taken out of what is had there. */
  readonly strip: boolean;
  /** Chunks before this one are with the server, and the digest up to there. */
  readonly chunk: number;
  readonly digest: Uint8Array;
  /**
   * The chunks up to this one may have left already, in part: sealed anew they must give this digest, since two contents under one key
   * and number would give both away.
   */
  readonly window?: { readonly end: number; readonly digest: Uint8Array };
  /** How often it was begun anew. */
  readonly restarts: number;
}

/** Bytes of a file that are kept. */
export interface KeptFile {
  readonly id: string;
  readonly size: number;
}

const record = <T>(name: string): RecordName<T> => ({ record: name });
const list = <T>(name: string): ListName<T> => ({ list: name });

export const attachmentNames = {
  uploads: list<UploadRecord>("uploads"),
  keptFiles: list<KeptFile>("kept-files"),
  /** Pieces of a kept file, by their place in it. */
  bytes: (id: string) => list<Uint8Array>(`kept-file/${id}`),
  /** Read tokens of blobs of ours that are to be deleted. */
  deletions: list<Uint8Array>("blob-deletions"),
  thumbnail: ({ conversation, order }: MessagePlace, index: number) =>
    record<Uint8Array>(`thumbnail/${conversation}/${order}/${index}`),
  /** Size of the largest blob that the server takes, as it said last. */
  maxBlobBytes: record<number>("max-blob-bytes"),
} as const;
