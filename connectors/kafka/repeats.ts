const hashBits = 14
const matchBytesMin = 4
/** LZ4 wants the last five bytes of a block to be literals, and no match to begin in its last twelve. */
const tailBytes = 12
const endBytes = 5
const distanceMax = 0xffff

/** Literals from `from` to `to`, then `length` bytes as they were `offset` before; 0: none follow, it is the end. */
export type Emit = (from: number, to: number, offset: number, length: number) => void

/**
 * Cut a block into what is new and what repeats, greedily: the last place where the next four bytes stood, as far as it goes.
 *
 * Shape:  in order; the last call has no repeat. What repeats lies at most 65,535 bytes back
 * Limits: a table of 64 KiB
 */
export function repeats (input: Uint8Array, emit: Emit): void {
  const table = new Int32Array(1 << hashBits).fill(-1)
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  const last = input.length - tailBytes
  let from = 0
  for (let at = 0, misses = 0; at <= last;) {
    const word = view.getUint32(at, true)
    const place = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits)
    const candidate = table[place]!
    table[place] = at
    if (candidate < 0 || at - candidate > distanceMax || view.getUint32(candidate, true) !== word) {
      // What does not repeat is passed over faster and faster.
      misses += 1
      at += 1 + (misses >>> 6)
      continue
    }
    let length = matchBytesMin
    while (at + length < input.length - endBytes && input[at + length] === input[candidate + length]) length += 1
    emit(from, at, at - candidate, length)
    at += length
    from = at
    misses = 0
  }
  emit(from, input.length, 0, 0)
}
