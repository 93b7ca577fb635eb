const accuracy = 0.01
const gamma = (1 + accuracy) / (1 - accuracy)
const logGamma = Math.log(gamma)
const binsMax = 2048
/** Smaller values count as 0. */
const least = 1e-300

/**
 * Quantiles of what was seen, each within 1 % of the true value.
 *
 * Units:  relative accuracy 1 %; the quantile q of n values is the one with floor(q * (n - 1)) values below it
 * State:  4 bytes a bin, a bin per 2 % of range (0.01 to 100 is 460 bins); at most 2048 bins a sign, beyond which the values nearest to 0 share one
 * Source: DDSketch, Masson, Rim, Lee (2019), logarithmic mapping, collapsing lowest; merging in any order gives the same sketch
 */
export class QuantileSketch {
  readonly positive: Bins
  readonly negative: Bins
  zeros: number

  constructor (positive = new Bins(), negative = new Bins(), zeros = 0) {
    this.positive = positive
    this.negative = negative
    this.zeros = zeros
  }

  add (value: number): void {
    const size = Math.min(Math.abs(value), Number.MAX_VALUE)
    if (size < least) this.zeros += 1
    else (value > 0 ? this.positive : this.negative).add(Math.ceil(Math.log(size) / logGamma), 1)
  }

  merge (other: QuantileSketch): void {
    this.zeros += other.zeros
    this.positive.merge(other.positive)
    this.negative.merge(other.negative)
  }

  /** NaN when nothing was seen. */
  quantile (q: number): number {
    const { zeros, positive, negative } = this
    const count = zeros + positive.count + negative.count
    if (count === 0) return Number.NaN
    const rank = Math.floor(q * (count - 1))
    if (rank < negative.count) return -valueOfBin(negative.binAt(negative.count - 1 - rank))
    if (rank < negative.count + zeros) return 0
    return valueOfBin(positive.binAt(rank - negative.count - zeros))
  }

  copy (): QuantileSketch { return new QuantileSketch(this.positive.copy(), this.negative.copy(), this.zeros) }
}

const valueOfBin = (bin: number) => Math.exp(bin * logGamma) * 2 / (1 + gamma)

/** A bin may hold more once the devices of months are merged: then counts are doubles. */
export const narrowMax = 2 ** 31 - 1
export type Counts = Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** Counts by bin number, from `first` on. */
export class Bins {
  counts: Counts
  first: number
  count: number

  constructor (counts: Counts = new Int32Array(0), first = 0) {
    this.counts = counts
    this.first = first
    this.count = 0
    for (const one of counts) this.count += one
  }

  add (bin: number, by: number): void {
    const at = bin - this.first
    this.count += by
    if (at >= 0 && at < this.counts.length) this.counts[at]! += by
    else this.#addOutside(bin, by)
  }

  merge (other: Bins): void {
    if (this.count + other.count > narrowMax && this.counts instanceof Int32Array) this.counts = Float64Array.from(this.counts)
    for (let i = other.counts.length - 1; i >= 0; i -= 1) if (other.counts[i]! > 0) this.add(other.first + i, other.counts[i]!)
  }

  /** The bin of the value with `rank` values below it. */
  binAt (rank: number): number {
    let seen = 0
    for (let i = 0; i < this.counts.length; i += 1) {
      seen += this.counts[i]!
      if (seen > rank) return this.first + i
    }
    return this.first + this.counts.length - 1
  }

  copy (): Bins { return new Bins(this.counts.slice(), this.first) }

  /** Which bins share one depends on the highest that is taken alone, never on how the array grew. */
  #addOutside (bin: number, by: number): void {
    const { counts } = this
    const taken = counts.length > 0
    const highest = this.first + counts.findLastIndex(count => count > 0)
    const lowest = this.first + counts.findIndex(count => count > 0)
    const top = taken ? Math.max(bin, highest) : bin
    const bottom = Math.max(taken ? Math.min(bin, lowest) : bin, top - binsMax + 1)
    // a little room on the side that grew, so that a slow drift does not copy at every step
    const room = Math.min(16, binsMax - (top - bottom + 1))
    const grewUp = taken && bin > highest
    const first = grewUp ? bottom : bottom - room
    const length = top - bottom + 1 + room
    const grown = counts instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)
    for (let i = 0; i < counts.length; i += 1) if (counts[i]! > 0) grown[Math.max(this.first + i, bottom) - first]! += counts[i]!
    grown[Math.max(bin, bottom) - first]! += by
    this.counts = grown
    this.first = first
  }
}
