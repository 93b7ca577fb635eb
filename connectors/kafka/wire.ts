/** Where a message is written or read: its version, and which of Kafka's two encodings. `flexible`: compact lengths, tagged fields. Source: KIP-482 */
export interface Dialect { readonly version: number, readonly flexible: boolean }

const chunkBytes = 1_024
/** Bytes of at least this size go out as they are, not copied. */
const viewBytesMin = 4_096
const varintBytesMax = 5

/** Writes a message, as pieces that go out one after another. Bytes given may be part of the result, and must not change before it is sent. */
export class Writer implements Dialect {
  readonly version: number
  readonly flexible: boolean
  readonly #pieces: Uint8Array[] = []
  #length = 0
  #open = Buffer.allocUnsafe(chunkBytes)
  #from = 0
  #to = 0

  constructor ({ version, flexible }: Dialect) {
    this.version = version
    this.flexible = flexible
  }

  int8 (value: number): void { this.#room(1).writeInt8(value, this.#to - 1) }
  int16 (value: number): void { this.#room(2).writeInt16BE(value, this.#to - 2) }
  int32 (value: number): void { this.#room(4).writeInt32BE(value, this.#to - 4) }
  int64 (value: bigint): void { this.#room(8).writeBigInt64BE(value, this.#to - 8) }

  varint (value: number): void {
    let left = value
    for (; left > 127; left = Math.floor(left / 128)) this.#room(1)[this.#to - 1] = (left & 127) | 128
    this.#room(1)[this.#to - 1] = left
  }

  /** A length or count; null: there is nothing. `wide`: of bytes and arrays. */
  length (length: number | null, wide: boolean): void {
    if (this.flexible) this.varint(length === null ? 0 : length + 1)
    else if (wide) this.int32(length ?? -1)
    else this.int16(length ?? -1)
  }

  bytes (bytes: Uint8Array): void {
    if (bytes.length < viewBytesMin) {
      this.#room(bytes.length).set(bytes, this.#to - bytes.length)
      return
    }
    this.#seal()
    this.#pieces.push(bytes)
    this.#length += bytes.length
  }

  text (text: string): void {
    const bytes = Buffer.byteLength(text)
    this.length(bytes, false)
    this.#room(bytes).write(text, this.#to - bytes, 'utf8')
  }

  finish (): { readonly pieces: readonly Uint8Array[], readonly length: number } {
    this.#seal()
    return { pieces: this.#pieces, length: this.#length }
  }

  /** The buffer whose last bytes, up to `to`, are to be written. */
  #room (bytes: number): Buffer {
    if (this.#to + bytes > this.#open.length) {
      this.#seal()
      this.#open = Buffer.allocUnsafe(Math.max(chunkBytes, bytes))
      this.#from = this.#to = 0
    }
    this.#to += bytes
    return this.#open
  }

  #seal (): void {
    if (this.#to === this.#from) return
    this.#pieces.push(this.#open.subarray(this.#from, this.#to))
    this.#length += this.#to - this.#from
    this.#from = this.#to
  }
}

/**
 * Reads a message. Bytes it gives are views.
 *
 * Limits: a length or count is held against what is left, before anything is made of it
 * Errors: RangeError for what is cut short or cannot be
 */
export class Reader implements Dialect {
  readonly version: number
  readonly flexible: boolean
  readonly #bytes: Buffer
  #at = 0

  constructor (bytes: Uint8Array, { version, flexible }: Dialect) {
    this.version = version
    this.flexible = flexible
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get at (): number { return this.#at }
  get left (): number { return this.#bytes.length - this.#at }

  int8 (): number { return this.#bytes.readInt8(this.#take(1)) }
  int16 (): number { return this.#bytes.readInt16BE(this.#take(2)) }
  int32 (): number { return this.#bytes.readInt32BE(this.#take(4)) }
  int64 (): bigint { return this.#bytes.readBigInt64BE(this.#take(8)) }

  varint (): number {
    let value = 0
    for (let byte = 0, scale = 1; byte < varintBytesMax; byte += 1, scale *= 128) {
      const next = this.#bytes[this.#take(1)]!
      value += (next & 127) * scale
      if (next < 128) return value
    }
    throw new RangeError(`a number of more than ${varintBytesMax} bytes at ${this.#at}`)
  }

  /** As it was written by `length`; every one of what it counts takes a byte at least. */
  length (wide: boolean): number | null {
    const length = this.flexible ? this.varint() - 1 : wide ? this.int32() : this.int16()
    if (length === -1) return null
    if (length < 0 || length > this.left) throw new RangeError(`a length of ${length} at ${this.#at}, where ${this.left} bytes are left`)
    return length
  }

  bytes (length: number): Buffer {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  text (length: number): string {
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  #take (bytes: number): number {
    const at = this.#at
    if (bytes > this.#bytes.length - at) throw new RangeError(`cut short: ${bytes} bytes wanted at ${at}, where ${this.#bytes.length - at} are left`)
    this.#at = at + bytes
    return at
  }
}
