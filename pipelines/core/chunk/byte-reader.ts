import { StreamError } from '../errors.ts'

/** Words are read whole, also where only a part of the last one is there. */
const spareBytes = 8

/** For bytes that are not those of a chunk. */
export const damaged = (why: string, details: Readonly<Record<string, unknown>> = {}): StreamError => new StreamError('LAKE_CHUNK', { why, ...details })

/**
 * What ByteWriter wrote.
 *
 * Errors: LAKE_CHUNK where the bytes end too soon or a number is none of ours
 */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly end: number
  at = 0

  constructor (bytes: Uint8Array) {
    this.bytes = new Uint8Array(bytes.length + spareBytes)
    this.bytes.set(bytes)
    this.view = new DataView(this.bytes.buffer)
    this.end = bytes.length
  }

  /** Where the next `count` bytes begin; they are there. */
  skip (count: number): number {
    const from = this.at
    if (count > this.end - from) throw damaged('it ends too soon', { at: from, bytes: this.end })
    this.at = from + count
    return from
  }

  byte (): number { return this.bytes[this.skip(1)]! }
  word (): number { return this.view.getUint32(this.skip(4), true) }
  double (): number { return this.view.getFloat64(this.skip(8), true) }

  count (max: number): number {
    const value = this.#varint(0, 1)
    if (value > max) throw damaged('a number is beyond its limit', { at: this.at, value, max })
    return value
  }

  signed (): number {
    const first = this.byte()
    const size = (first & 128) === 0 ? first & 63 : this.#varint(first & 63, 64)
    return (first & 64) === 0 ? size : -size
  }

  #varint (from: number, scale: number): number {
    let value = from
    for (let unit = scale; unit <= 2 ** 53; unit *= 128) {
      const byte = this.byte()
      value += (byte & 127) * unit
      if (byte < 128) {
        if (value > 2 ** 53) break
        return value
      }
    }
    throw damaged('a number does not end', { at: this.at })
  }
}
