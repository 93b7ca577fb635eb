const precision = 12
const registers = 1 << precision
/** Bits of the hash that say where; the other 38 say how rare. A few values are kept at this precision, so small counts are exact. */
const sparsePrecision = 26
const sparseMax = 512
const rarest = 64 - precision

/**
 * How many distinct values were seen, about.
 *
 * Units:  standard error 1.04 / sqrt(4096) = 1.6 %; up to 512 distinct values nearly always exact
 * State:  4 bytes a value up to 512 values, then 4096 bytes
 * Source: HyperLogLog++ (Heule, Nunkesser, Hall 2013) for the sparse form; estimator of Ertl, New cardinality estimation algorithms for
 *         HyperLogLog sketches (2017), which needs no table of corrections
 */
export class HyperLogLog {
  /** Sorted; place and rarity of each value. Null once dense. */
  sparse: Uint32Array | null = new Uint32Array(4)
  sparseCount = 0
  dense: Uint8Array | null = null

  /** Two independent hashes of 32 bits of the value. */
  add (high: number, low: number): void {
    const rest = high & 0x3f
    const rarity = rest === 0 ? 7 + Math.clz32(low) : Math.clz32(rest) - 25
    this.#put(((high >>> 6) * 64 + rarity) >>> 0)
  }

  merge (other: HyperLogLog): void {
    if (other.dense === null) {
      for (let i = 0; i < other.sparseCount; i += 1) this.#put(other.sparse![i]!)
      return
    }
    const dense = this.#makeDense()
    for (let i = 0; i < registers; i += 1) if (other.dense[i]! > dense[i]!) dense[i] = other.dense[i]!
  }

  estimate (): number {
    if (this.dense === null) {
      const places = 2 ** sparsePrecision
      let taken = 0
      for (let i = 0; i < this.sparseCount; i += 1) if (i === 0 || this.sparse![i]! >>> 6 !== this.sparse![i - 1]! >>> 6) taken += 1
      return Math.round(-places * Math.log1p(-taken / places))
    }
    const counts = new Float64Array(rarest + 2)
    for (const rarity of this.dense) counts[rarity]! += 1
    let z = registers * tau(1 - counts[rarest + 1]! / registers)
    for (let rarity = rarest; rarity >= 1; rarity -= 1) z = 0.5 * (z + counts[rarity]!)
    z += registers * sigma(counts[0]! / registers)
    return Math.round(registers / (2 * Math.LN2) * registers / z)
  }

  copy (): HyperLogLog {
    const copy = new HyperLogLog()
    copy.sparse = this.sparse === null ? null : this.sparse.slice()
    copy.sparseCount = this.sparseCount
    copy.dense = this.dense === null ? null : this.dense.slice()
    return copy
  }

  #put (entry: number): void {
    if (this.dense !== null) {
      putDense(this.dense, entry)
      return
    }
    const sparse = this.sparse!
    let low = 0
    let high = this.sparseCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sparse[middle]! < entry) low = middle + 1
      else high = middle
    }
    if (low < this.sparseCount && sparse[low] === entry) return
    if (this.sparseCount === sparseMax) {
      putDense(this.#makeDense(), entry)
      return
    }
    if (this.sparseCount === sparse.length) {
      this.sparse = new Uint32Array(sparse.length * 2)
      this.sparse.set(sparse)
    }
    this.sparse!.copyWithin(low + 1, low, this.sparseCount)
    this.sparse![low] = entry
    this.sparseCount += 1
  }

  #makeDense (): Uint8Array {
    if (this.dense !== null) return this.dense
    this.dense = new Uint8Array(registers)
    for (let i = 0; i < this.sparseCount; i += 1) putDense(this.dense, this.sparse![i]!)
    this.sparse = null
    this.sparseCount = 0
    return this.dense
  }
}

/** From 26 bits of place to 12: the 14 bits left over come before the bits that `rarity` counted. */
function putDense (dense: Uint8Array, entry: number): void {
  const place = entry >>> 6 + sparsePrecision - precision
  const between = entry >>> 6 & (1 << sparsePrecision - precision) - 1
  const rarity = between === 0 ? sparsePrecision - precision + (entry & 0x3f) : Math.clz32(between) - (32 - (sparsePrecision - precision)) + 1
  if (rarity > dense[place]!) dense[place] = rarity
}

function sigma (ratio: number): number {
  if (ratio === 1) return Number.POSITIVE_INFINITY
  let x = ratio
  let y = 1
  let z = x
  for (let before = Number.NaN; z !== before; y += y) {
    x *= x
    before = z
    z += x * y
  }
  return z
}

function tau (ratio: number): number {
  if (ratio === 0 || ratio === 1) return 0
  let x = ratio
  let y = 1
  let z = 1 - x
  for (let before = Number.NaN; z !== before;) {
    x = Math.sqrt(x)
    before = z
    y *= 0.5
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}
