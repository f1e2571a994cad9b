/** What an operator is told of a server's data, whatever database it lies in. */
export interface DataFigures {
  readonly accounts: number;
  /** In use, not revoked. */
  readonly devices: number;
  readonly logs: number;
  readonly entries: number;
  /** Of the database. */
  readonly bytesOnDisk: number;
  /** Unfinished ones among them, and the bytes that they are to have. */
  readonly blobs: number;
  readonly blobBytes: number;
}
