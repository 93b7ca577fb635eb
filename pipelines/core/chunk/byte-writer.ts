import { grown } from '../keys.ts'

/** Beyond what a writer wrote: words are written whole, and cut. */
const spareBytes = 16

/** Bytes written one after another, little endian; the room is kept for the next chunk. */
export class ByteWriter {
  bytes = new Uint8Array(1 << 12)
  view = new DataView(this.bytes.buffer)
  at = 0

  /** Room for so many bytes more, and a word beyond them. */
  reserve (count: number): void {
    if (this.at + count + spareBytes <= this.bytes.length) return
    this.bytes = grown(this.bytes, this.at + count + spareBytes)
    this.view = new DataView(this.bytes.buffer)
  }

  byte (value: number): void {
    this.reserve(1)
    this.bytes[this.at] = value
    this.at += 1
  }

  word (value: number): void {
    this.reserve(4)
    this.view.setUint32(this.at, value, true)
    this.at += 4
  }

  /** Any double; every NaN as one and the same. */
  double (value: number): void {
    this.reserve(8)
    if (!Number.isNaN(value)) this.view.setFloat64(this.at, value, true)
    else {
      this.view.setUint32(this.at, 0, true)
      this.view.setUint32(this.at + 4, 0x7ff80000, true)
    }
    this.at += 8
  }

  /** 0..2^53: seven bits a byte, low ones first, the highest bit set where more follow. */
  count (value: number): void {
    this.reserve(8)
    const { bytes } = this
    let rest = value
    while (rest > 127) {
      bytes[this.at] = rest % 128 | 128
      this.at += 1
      rest = Math.floor(rest / 128)
    }
    bytes[this.at] = rest
    this.at += 1
  }

  /** -2^53..2^53: six bits and the sign (64) in the first byte, then as `count`. */
  signed (value: number): void {
    const size = Math.abs(value)
    const sign = value < 0 ? 64 : 0
    this.byte(size % 64 | sign | (size < 64 ? 0 : 128))
    if (size >= 64) this.count(Math.floor(size / 64))
  }

  copy (bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }
}
