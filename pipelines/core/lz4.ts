import { copyBack } from './snappy.ts'

const frameMagic = 0x184d2204
const blockBytesMax = [64 << 10, 256 << 10, 1 << 20, 4 << 20] as const
const storedBit = 0x80000000

/**
 * One or more LZ4 frames, with independent or linked blocks. Its checksums are passed over: the record batch has one over the same bytes.
 *
 * Limits: at most `bytesMax` come out
 * Errors: RangeError for what is no such frame, one that wants a dictionary, or more than `bytesMax`
 * Source: lz4_Frame_format.md 1.6.4 and lz4_Block_format.md
 */
export function unlz4 (input: Uint8Array, bytesMax: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  const output = new Growing(bytesMax)
  for (let at = 0; at < input.length;) at = frame(input, view, at, output)
  return output.bytes()
}

function frame (input: Uint8Array, view: DataView, from: number, output: Growing): number {
  if (from + 7 > input.length || view.getUint32(from, true) !== frameMagic) throw new RangeError('lz4: no frame')
  const flags = input[from + 4]!
  const size = blockBytesMax[((input[from + 5]! >>> 4) & 7) - 4]
  if (flags >>> 6 !== 1 || size === undefined) throw new RangeError('lz4: another version of the frame')
  if ((flags & 1) !== 0) throw new RangeError('lz4: a dictionary is needed')
  const blockChecksum = (flags & 16) !== 0 ? 4 : 0
  const linked = (flags & 32) === 0
  const frameFrom = output.length
  let at = from + 7 + ((flags & 8) !== 0 ? 8 : 0)
  for (;;) {
    if (at + 4 > input.length) throw new RangeError('lz4: cut off between blocks')
    const word = view.getUint32(at, true)
    at += 4
    if (word === 0) return at + ((flags & 4) !== 0 ? 4 : 0)
    const length = word >= storedBit ? word - storedBit : word
    if (length > size || at + length > input.length) throw new RangeError('lz4: a block reaches beyond the end')
    const bytes = input.subarray(at, at + length)
    output.reserve(word >= storedBit ? length : size)
    if (word >= storedBit) output.append(bytes)
    else block(bytes, output, { size, from: linked ? frameFrom : output.length })
    at += length + blockChecksum
  }
}

function block (input: Uint8Array, output: Growing, { size, from }: { readonly size: number, readonly from: number }): void {
  const end = output.length + size
  for (let at = 0; at < input.length;) {
    const token = input[at]!
    at += 1
    let literals = token >>> 4
    if (literals === 15) [literals, at] = longer(input, at, literals)
    if (at + literals > input.length || output.length + literals > end) throw new RangeError('lz4: a literal reaches beyond the end')
    output.append(input.subarray(at, at + literals))
    at += literals
    // The last sequence of a block has literals only.
    if (at === input.length) return
    if (at + 2 > input.length) throw new RangeError('lz4: cut off')
    const offset = input[at]! | (input[at + 1]! << 8)
    at += 2
    let match = token & 15
    if (match === 15) [match, at] = longer(input, at, match)
    if (offset === 0 || output.length - offset < from || output.length + match + 4 > end) throw new RangeError('lz4: a match from outside the block')
    output.repeat(offset, match + 4)
  }
}

function longer (input: Uint8Array, from: number, length: number): [length: number, at: number] {
  let total = length
  for (let at = from; at < input.length; at += 1) {
    total += input[at]!
    if (input[at] !== 255) return [total, at + 1]
  }
  throw new RangeError('lz4: cut off')
}

class Growing {
  length = 0
  readonly #bytesMax: number
  #bytes = new Uint8Array(0)

  constructor (bytesMax: number) { this.#bytesMax = bytesMax }

  /** Room for `more`, of which all or part may then be used. */
  reserve (more: number): void {
    const needed = this.length + more
    if (needed <= this.#bytes.length) return
    const bigger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    bigger.set(this.#bytes.subarray(0, this.length))
    this.#bytes = bigger
  }

  append (bytes: Uint8Array): void {
    this.#take(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  repeat (offset: number, size: number): void {
    this.#take(size)
    copyBack(this.#bytes, this.length, offset, size)
    this.length += size
  }

  bytes (): Uint8Array { return this.#bytes.subarray(0, this.length) }

  #take (more: number): void {
    if (this.length + more > this.#bytesMax) throw new RangeError(`lz4: more than ${this.#bytesMax} bytes`)
    this.reserve(more)
  }
}
