const table = new Int32Array(8 * 256)
for (let byte = 0; byte < 256; byte += 1) {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  table[byte] = crc
}
for (let byte = 0; byte < 256; byte += 1) {
  for (let slice = 1; slice < 8; slice += 1) {
    const before = table[(slice - 1) * 256 + byte]!
    table[slice * 256 + byte] = (before >>> 8) ^ table[before & 255]!
  }
}

/** CRC-32C of a byte range as an unsigned number. A connector may bring a native one instead. */
export type Crc32c = (bytes: Uint8Array) => number

/**
 * CRC-32C without native code.
 *
 * Source: Castagnoli polynomial (RFC 3720), eight tables ("slicing by 8")
 */
export function crc32c (bytes: Uint8Array): number {
  let crc = -1
  let i = 0
  for (const end = bytes.length - 7; i < end; i += 8) {
    crc ^= bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24
    crc = table[7 * 256 + (crc & 255)]! ^ table[6 * 256 + (crc >>> 8 & 255)]! ^ table[5 * 256 + (crc >>> 16 & 255)]! ^ table[4 * 256 + (crc >>> 24)]!
      ^ table[3 * 256 + bytes[i + 4]!]! ^ table[2 * 256 + bytes[i + 5]!]! ^ table[256 + bytes[i + 6]!]! ^ table[bytes[i + 7]!]!
  }
  for (; i < bytes.length; i += 1) crc = crc >>> 8 ^ table[(crc ^ bytes[i]!) & 255]!
  return (crc ^ -1) >>> 0
}
