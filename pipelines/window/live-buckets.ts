import type { Bucket } from './bucket.ts'

/** Buckets in order of their number, and by number. */
export class LiveBuckets {
  readonly sorted: Bucket[] = []
  readonly #byNumber = new Map<number, Bucket>()

  get (number: number): Bucket | undefined { return this.#byNumber.get(number) }

  add (bucket: Bucket): void {
    this.#byNumber.set(bucket.number, bucket)
    const last = this.sorted.at(-1)
    if (last === undefined || last.number < bucket.number) this.sorted.push(bucket)
    else this.sorted.splice(this.indexFrom(bucket.number), 0, bucket)
  }

  /** Place in `sorted` of the first bucket at or past `number`. */
  indexFrom (number: number): number {
    let low = 0
    let high = this.sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.sorted[middle]!.number < number) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Take out the first bucket. */
  shift (): Bucket {
    const first = this.sorted.shift()!
    this.#byNumber.delete(first.number)
    return first
  }

  clear (): void {
    this.sorted.length = 0
    this.#byNumber.clear()
  }
}
