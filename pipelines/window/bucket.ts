import { grown } from '../core/keys.ts'

/**
 * The panes of one interval, and the table that finds a key's pane.
 *
 * State:  `blocks` of 64 panes in order of opening; `index` maps a key to its slot by open addressing, 0 is empty. Key ids are dense,
 *         so when most keys have a pane the index is a plain array (the hash is the key itself), else a small table (Fibonacci hashing)
 */
export class Bucket {
  /** Number of the slice or window on its axis. */
  readonly number: number
  count = 0
  blocks = new Int32Array(1)
  index = new Int32Array(0)
  mask = 0
  multiplier = 1
  shift = 0
  /** False: the panes are not in the index yet; see PaneStore.clone. */
  isIndexed = true
  /** Every key up to `mask` has its own place. */
  get isDense (): boolean { return this.shift === 0 }
  /** Readings here need more than adding up: see SlicedStage. */
  slow = false

  constructor (number: number, expected: number, keys: number) {
    this.number = number
    this.resize(expected, keys)
  }

  addBlock (block: number): void {
    const at = this.count >>> 6
    if (at >= this.blocks.length) this.blocks = grown(this.blocks, at + 1)
    this.blocks[at] = block
  }

  /** The key has been counted but not put: is there no good place for it? */
  isFull (key: number): boolean {
    return this.shift === 0 ? key > this.mask || this.count > this.mask : this.count * 2 > this.mask
  }

  put (key: number, slot: number): void {
    const { index, mask } = this
    let place = (Math.imul(key, this.multiplier) >>> this.shift) & mask
    while (index[place] !== 0) place = (place + 1) & mask
    index[place] = slot
  }

  /** An empty index with room for `count` panes and more; every key below `keys` has its own place when that costs little. */
  resize (count: number, keys: number): void {
    const sparseBits = Math.max(4, 34 - Math.clz32(count))
    const denseBits = Math.max(4, 32 - Math.clz32(keys + 1))
    const dense = denseBits <= sparseBits + 1
    const bits = dense ? denseBits : sparseBits
    this.index = new Int32Array(1 << bits)
    this.mask = (1 << bits) - 1
    this.multiplier = dense ? 1 : 0x9E3779B1 | 0
    this.shift = dense ? 0 : 32 - bits
  }
}
