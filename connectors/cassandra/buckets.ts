import type { Bucket } from '../../pipelines/core/lake-ports.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
/** From the widest to the narrowest. `letters` of ISO 8601 name a bucket; months and years count at their longest. */
const widths = [
  { width: 'year', ms: 366 * dayMs, letters: 'YYYY'.length },
  { width: 'month', ms: 31 * dayMs, letters: 'YYYY-MM'.length },
  { width: 'day', ms: dayMs, letters: 'YYYY-MM-DD'.length },
  { width: 'hour', ms: 60 * minuteMs, letters: 'YYYY-MM-DDTHH'.length },
  { width: 'minute', ms: minuteMs, letters: 'YYYY-MM-DDTHH:MM'.length },
] as const satisfies readonly { readonly width: Bucket, readonly ms: number, readonly letters: number }[]
const isoLetters = 'YYYY-MM-DDTHH:MM:SS.sssZ'.length

/** Rows of a partition that Cassandra reads and compacts with ease. */
export const partitionRowsMax = 100_000

/** From its day on (UTC midnight, -Infinity for the first) partitions have this width. */
export interface Era { readonly from: number, readonly width: Bucket }
/** One partition's share of a range: [from, to), which lies within the bucket. */
export interface BucketPart { readonly text: string, readonly from: number, readonly to: number }

/**
 * The widest bucket whose rows stay within `partitionRowsMax`; of minutes when there is none, of days when nothing is known.
 *
 * Units: `intervalMs` between rows of one device
 */
export function widthFor (intervalMs: number | null): Bucket {
  if (intervalMs === null || !(intervalMs > 0)) return 'day'
  return widths.find(({ ms }) => ms / intervalMs <= partitionRowsMax)?.width ?? 'minute'
}

/** UTC: `2026-11-23T14` for an hour. Limits: times that JavaScript's Date has */
export function bucketText (at: number, width: Bucket): string {
  const iso = new Date(at).toISOString()
  return iso.slice(0, widths.find(one => one.width === width)!.letters + iso.length - isoLetters)
}

/** Start of the bucket that `at` lies in. */
export function bucketStart (at: number, width: Bucket): number {
  const date = new Date(at)
  if (width === 'year') return yearStart(date.getUTCFullYear(), 0)
  if (width === 'month') return yearStart(date.getUTCFullYear(), date.getUTCMonth())
  const { ms } = widths.find(one => one.width === width)!
  return Math.floor(at / ms) * ms
}

/** End of the bucket that `at` lies in: the start of the next. */
export function bucketEnd (at: number, width: Bucket): number {
  const date = new Date(at)
  if (width === 'year') return yearStart(date.getUTCFullYear() + 1, 0)
  if (width === 'month') return yearStart(date.getUTCFullYear(), date.getUTCMonth() + 1)
  return bucketStart(at, width) + widths.find(one => one.width === width)!.ms
}

/** Unlike Date.UTC it takes the years 0 to 99 for what they are. */
function yearStart (year: number, month: number): number { return new Date(0).setUTCFullYear(year, month, 1) }

/** The era that `at` lies in. `eras` is in order of time, and not empty. */
export function eraAt (eras: readonly Era[], at: number): Era {
  return eras.findLast(({ from }) => from <= at) ?? eras[0]!
}

/**
 * Partitions of a device that hold [from, to), in order of time. A bucket in which the width changes is walked up to the change and,
 * under its other name, from there on.
 */
export function * bucketsOf (eras: readonly Era[], { from, to }: { readonly from: number, readonly to: number }): Generator<BucketPart> {
  for (let at = from; at < to;) {
    const { width } = eraAt(eras, at)
    const eraEnd = eras.find(era => era.from > at)?.from ?? Number.POSITIVE_INFINITY
    const end = Math.min(to, eraEnd, bucketEnd(at, width))
    yield { text: bucketText(at, width), from: at, to: end }
    at = end
  }
}

/**
 * Names of buckets for rows that come in about the order of time: a name is made once.
 *
 * Limits: remembers `namesMax` names
 */
export class BucketNames {
  readonly #eras: readonly Era[]
  readonly #stepMs: number
  readonly #names = new Map<number, string>()
  #step = Number.NaN
  #name = ''

  constructor (eras: readonly Era[]) {
    this.#eras = eras
    // Eras begin at midnight, so that a step of any width lies in one era.
    this.#stepMs = Math.min(...eras.map(({ width }) => Math.min(dayMs, widths.find(one => one.width === width)!.ms)))
  }

  of (at: number): string {
    const step = Math.floor(at / this.#stepMs)
    if (step === this.#step) return this.#name
    let name = this.#names.get(step)
    if (name === undefined) {
      name = bucketText(at, eraAt(this.#eras, at).width)
      if (this.#names.size >= namesMax) this.#names.clear()
      this.#names.set(step, name)
    }
    this.#step = step
    return this.#name = name
  }
}

const namesMax = 4096
