/** The surface of the SDK for files: what a message brings along, where files come from, and where they go. */

/** A file to read from, at any place, as often as needed: it must not change meanwhile. */
export interface FileSource {
  /** In bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset` on, the caller's to keep. Rejects when they cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A file of a message, as its sender says: what it is shows when it is fetched, see downloadAttachment(). */
export interface Attachment {
  /** Harmless to show and to save under: one part of a path, without anything that cannot be seen. */
  readonly name: string;
  /** A media type such as `image/jpeg`: to show by, not to run by. */
  readonly type: string;
  /** In bytes. */
  readonly size: number;
  /** Of a picture or film, in pixels, as it is shown. */
  readonly width?: number;
  readonly height?: number;
  /** Of a sound or film. */
  readonly durationMs?: number;
  /** A ThumbHash: a blur to show until more is there. */
  readonly preview?: Uint8Array;
  /** Somebody's voice, recorded for this message. */
  readonly voice?: true;
  /** How loud it is over its time, 0 to 255 each. */
  readonly waveform?: Uint8Array;
  /** Whether attachmentThumbnail() has a small picture. */
  readonly thumbnail: boolean;
}

/** A file to send. */
export interface AttachmentInput {
  /** Read until the message has gone out; a file of up to 8 MiB once, before send() returns. It must not change meanwhile. */
  readonly source: FileSource;
  /** What it is called; parts of a path before it are cut off. */
  readonly name: string;
  /** Absent: by how the file begins, or how its name ends. */
  readonly type?: string;
  /**
   * How to find a larger file again when the process ends before it has gone out: what `openFile` is asked for then. Without it the message
   * waits, and a `file_needed` event asks for supplyFile().
   */
  readonly reference?: string;
  /** Pictures are sent without what they tell of place, time and camera (JPEG, PNG and WebP), unless this is true. */
  readonly keepMetadata?: boolean;
  readonly width?: number;
  readonly height?: number;
  readonly durationMs?: number;
  /** JPEG or WebP, at most 16 KiB and 512 pixels wide and high: travels inside the message. */
  readonly thumbnail?: Uint8Array;
  /** A ThumbHash, at most 64 bytes. */
  readonly preview?: Uint8Array;
  readonly voice?: boolean;
  /** At most 128 bytes. */
  readonly waveform?: Uint8Array;
}

/** A file of another message, to be passed on: nothing is uploaded anew, so it goes when its first sender deletes it. */
export interface SharedAttachment {
  readonly conversation: string;
  /** Of the message. */
  readonly id: string;
  readonly index: number;
}

/** Where a download goes, in order. */
export interface FileSink {
  /** The next bytes: checked one by one, and not yet as a whole. They are the sink's to keep. */
  write(bytes: Uint8Array): Promise<void>;
  /** All of it came, and is what its sender sent. Only now may anybody take it for received. */
  close(): Promise<void>;
  /** It is not: throw away what was written. */
  abort(): Promise<void>;
}

/** How a download goes on. */
export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Bytes of the file so far. */
  readonly onProgress?: (done: number, total: number) => void;
}
