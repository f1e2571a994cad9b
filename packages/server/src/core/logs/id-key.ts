/** Ids as map keys: one character a byte, made without intermediate arrays since every append makes one. */

/** A string that equals another exactly when the 16 bytes of the ids do. @param id 16 bytes. */
export function idKey(id: Uint8Array): string {
  return String.fromCharCode(
    id[0] as number,
    id[1] as number,
    id[2] as number,
    id[3] as number,
    id[4] as number,
    id[5] as number,
    id[6] as number,
    id[7] as number,
    id[8] as number,
    id[9] as number,
    id[10] as number,
    id[11] as number,
    id[12] as number,
    id[13] as number,
    id[14] as number,
    id[15] as number,
  );
}
