const sizeBytes = 4
const scratchBytes = 64 << 10

/**
 * Cuts what a connection receives into frames. Either `room` and `took`, so that a socket writes where the bytes stay, or `push`.
 *
 * State:  at most one frame, as far as it has come, and 64 KiB
 * Limits: a frame of `frameBytesMax`, held against its size before there is room made for it
 * Errors: RangeError, which says what speaks there if that can be told
 */
export class Frames {
  readonly #frameBytesMax: number
  readonly #each: (frame: Uint8Array) => void
  readonly #scratch = new Uint8Array(scratchBytes)
  #scratched = 0
  #frame: Uint8Array | null = null
  #filled = 0

  constructor (frameBytesMax: number, each: (frame: Uint8Array) => void) {
    this.#frameBytesMax = frameBytesMax
    this.#each = each
  }

  /** Where the next bytes go: the rest of the frame that has begun, so that nothing of it is copied. */
  room (): Uint8Array { return this.#frame?.subarray(this.#filled) ?? this.#scratch.subarray(this.#scratched) }

  /** So many bytes were put where `room` said. */
  took (bytes: number): void {
    if (this.#frame === null) {
      this.#scratched += bytes
      this.#cut()
      return
    }
    this.#filled += bytes
    if (this.#filled === this.#frame.length) this.#done(this.#frame)
  }

  push (bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = this.room()
      const part = bytes.subarray(at, at + room.length)
      room.set(part)
      this.took(part.length)
      at += part.length
    }
  }

  #cut (): void {
    let at = 0
    while (this.#scratched - at >= sizeBytes) {
      const size = this.#size(at)
      const from = at + sizeBytes
      const part = this.#scratch.subarray(from, Math.min(from + size, this.#scratched))
      const frame = Buffer.allocUnsafeSlow(size)
      frame.set(part)
      at = from + part.length
      if (part.length < size) {
        this.#frame = frame
        this.#filled = part.length
        break
      }
      this.#each(frame)
    }
    this.#scratch.copyWithin(0, at, this.#scratched)
    this.#scratched -= at
  }

  #size (at: number): number {
    const view = new DataView(this.#scratch.buffer, at, sizeBytes)
    const size = view.getInt32(0)
    if (size >= sizeBytes && size <= this.#frameBytesMax) return size
    throw new RangeError(`${whoSpeaks(view)}, not Kafka's answer: a frame of ${size} bytes, where ${this.#frameBytesMax} are the most`)
  }

  #done (frame: Uint8Array): void {
    this.#frame = null
    this.#filled = 0
    this.#each(frame)
  }
}

/** TLS records begin with their type (alert: 21, handshake: 22) and the major version 3. */
function whoSpeaks (view: DataView): string {
  if (view.getUint32(0) === 0x48545450) return 'HTTP'
  return (view.getUint8(0) === 21 || view.getUint8(0) === 22) && view.getUint8(1) === 3 ? 'TLS' : 'something else'
}
