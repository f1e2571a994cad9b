/** An offer to be linked, as it is kept until it is answered. */
import { concatBytes, utf8 } from "@sotto/protocol";

/** An offer, and where it came from. */
export interface Link {
  readonly offer: Uint8Array;
  /** Of the secret that gets the answer, 32 bytes. */
  readonly secretHash: Uint8Array;
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly madeAtMs: number;
}

const hashAt = 8;
const lengthAt = 40;
const addressAt = 41;

/** When it was made (8 bytes), the hash (32), the address's length (1), the address, the offer. */
export function encodeLink({ offer, secretHash, address, madeAtMs }: Link): Uint8Array {
  const time = new Uint8Array(hashAt);
  new DataView(time.buffer).setBigUint64(0, BigInt(madeAtMs));
  const from = utf8(address);
  return concatBytes(time, secretHash, Uint8Array.of(from.length), from, offer);
}

/** The link that `encodeLink` made these bytes of. */
export function decodeLink(bytes: Uint8Array): Link {
  const offerAt = addressAt + (bytes[lengthAt] as number);
  return {
    madeAtMs: Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)),
    secretHash: bytes.slice(hashAt, lengthAt),
    address: new TextDecoder().decode(bytes.subarray(addressAt, offerAt)),
    offer: bytes.slice(offerAt),
  };
}
