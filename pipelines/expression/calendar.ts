/** Quarter of an hour: offsets from UTC rarely change anywhere else. */
const bucketMs = 900_000
const bucketsMax = 4096
const timeMax = 8.64e15
const dayMs = 86_400_000

/**
 * A time zone's offset from UTC over time, by the time-zone data of the runtime.
 *
 * State:  a cache of offsets per quarter of an hour; a pure function of the instant all the same
 */
export class Zone {
  readonly #format: Intl.DateTimeFormat
  readonly #offsets = new Map<number, number>()
  #lastBucket = Number.NaN
  #lastOffset = 0

  /** Errors: RangeError when there is no such zone */
  constructor (name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', era: 'short', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
  }

  /** Milliseconds since the epoch to the clock on the wall, in the same count; NaN when unknown or beyond what a date can be. */
  local (ms: number): number {
    if (!(ms > -timeMax && ms < timeMax)) return Number.NaN
    const bucket = Math.floor(ms / bucketMs)
    return ms + (bucket === this.#lastBucket ? this.#lastOffset : this.#offset(bucket, ms))
  }

  #offset (bucket: number, ms: number): number {
    let offset = this.#offsets.get(bucket)
    if (offset === undefined) {
      const [first, last] = [this.#exact(bucket * bucketMs), this.#exact((bucket + 1) * bucketMs - 1000)]
      if (first !== last) return this.#exact(ms)
      if (this.#offsets.size >= bucketsMax) this.#offsets.clear()
      this.#offsets.set(bucket, offset = first)
    }
    this.#lastBucket = bucket
    this.#lastOffset = offset
    return offset
  }

  #exact (ms: number): number {
    const parts: Record<string, string> = {}
    for (const { type, value } of this.#format.formatToParts(ms)) parts[type] = value
    const year = parts.era?.startsWith('B') ? 1 - Number(parts.year) : Number(parts.year)
    const date = new Date(0)
    date.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day))
    return date.getTime() + Number(parts.hour) * 3_600_000 + Number(parts.minute) * 60_000 + Number(parts.second) * 1000 - Math.floor(ms / 1000) * 1000
  }
}

/** Parts of a wall-clock time from Zone.local; NaN stays NaN. */
export const hourOf = (local: number): number => Math.floor((local - Math.floor(local / dayMs) * dayMs) / 3_600_000)
export const minuteOf = (local: number): number => Math.floor((local - Math.floor(local / 3_600_000) * 3_600_000) / 60_000)
/** 0 is Sunday, as in CEL's getDayOfWeek. */
export const dayOfWeekOf = (local: number): number => ((Math.floor(local / dayMs) + 4) % 7 + 7) % 7
