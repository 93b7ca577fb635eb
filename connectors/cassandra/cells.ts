import { grown } from '../../pipelines/core/keys.ts'

const noValue = -1
const notSet = -2
/** Beyond it a double has no whole microseconds left. */
const stampMsMax = 2 ** 53 / 1_000

/**
 * Values as CQL has them on the wire, one behind the other: a length of four bytes, then so many bytes. Straight from columns: no object
 * is made for a value (bench/cassandra.ts).
 *
 * State:  one buffer that grows to the most that was in it between two `clear`s
 * Source: CQL binary protocol v4, section 3 ([value]) and 6 (types); big-endian
 */
export class CellWriter {
  bytes: Uint8Array<ArrayBuffer>
  used = 0
  #view: DataView

  constructor (bytesInitial = 1 << 12) {
    this.bytes = new Uint8Array(bytesInitial)
    this.#view = new DataView(this.bytes.buffer)
  }

  /** The value is taken away. */
  null (): void { this.#length(noValue, 0) }
  /** The value stays as it is. */
  unset (): void { this.#length(notSet, 0) }

  double (value: number): void {
    this.#length(8, 8)
    this.#view.setFloat64(this.used, value)
    this.used += 8
  }

  int (value: number): void {
    this.#length(4, 4)
    this.#view.setInt32(this.used, value)
    this.used += 4
  }

  bool (value: boolean): void {
    this.#length(1, 1)
    this.bytes[this.used++] = value ? 1 : 0
  }

  /** A whole number below 2^53 as a bigint or timestamp; a fraction is cut towards the past. No BigInt is made. */
  whole (value: number): void {
    const whole = Math.floor(value)
    const high = Math.floor(whole / 4294967296)
    this.#length(8, 8)
    this.#view.setInt32(this.used, high)
    this.#view.setUint32(this.used + 4, whole - high * 4294967296)
    this.used += 8
  }

  big (value: bigint): void {
    this.#length(8, 8)
    this.#view.setBigInt64(this.used, value)
    this.used += 8
  }

  /** When it was written: `ms` since the epoch, and `order` (0 to 999) among what has the same. */
  stamp (ms: number, order = 0): void { this.whole(Math.floor(Math.max(-stampMsMax, Math.min(stampMsMax, ms))) * 1_000 + order) }

  blob (value: Uint8Array): void {
    this.#length(value.length, value.length)
    this.bytes.set(value, this.used)
    this.used += value.length
  }

  text (value: string): void { this.blob(Buffer.from(value)) }

  textOrNull (value: string | null): void { if (value === null) this.null(); else this.text(value) }

  /** Cells that are encoded already. */
  raw (cells: Uint8Array): void {
    this.reserve(cells.length)
    this.bytes.set(cells, this.used)
    this.used += cells.length
  }

  clear (): void { this.used = 0 }

  reserve (bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return
    this.bytes = grown(this.bytes, this.used + bytes) as Uint8Array<ArrayBuffer>
    this.#view = new DataView(this.bytes.buffer)
  }

  #length (length: number, bytes: number): void {
    this.reserve(4 + bytes)
    this.#view.setInt32(this.used, length)
    this.used += 4
  }
}
