const eight = new Uint8Array(8)
const view = new DataView(eight.buffer)

/** 32 bits of a number's bytes; 0 and -0 are one value. */
export function hashNumber (value: number, seed: number): number {
  view.setFloat64(0, value === 0 ? 0 : value, true)
  return hashBytes(eight, seed)
}

/**
 * 32 well mixed bits of some bytes.
 *
 * Source: MurmurHash3_x86_32, Austin Appleby, public domain
 */
export function hashBytes (bytes: Uint8Array, seed: number): number {
  const { length } = bytes
  let hash = seed
  let at = 0
  for (; at + 4 <= length; at += 4) {
    const block = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24
    hash ^= mixed(block)
    hash = Math.imul(hash << 13 | hash >>> 19, 5) + 0xe6546b64 | 0
  }
  let tail = 0
  for (let i = length - 1; i >= at; i -= 1) tail = tail << 8 | bytes[i]!
  if (at < length) hash ^= mixed(tail)
  hash ^= length
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b)
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35)
  return (hash ^ hash >>> 16) >>> 0
}

function mixed (block: number): number {
  const spread = Math.imul(block, 0xcc9e2d51)
  return Math.imul(spread << 15 | spread >>> 17, 0x1b873593)
}
