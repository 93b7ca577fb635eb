import { grown, type KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeReadings } from '../../pipelines/core/lake-ports.ts'
import { type Block, BlockBuilder, type BufferPool } from './block.ts'

interface Seen { readonly source: string, readonly keys: KeyTable, known: Uint8Array, ids: Int32Array, count: number, first: Float64Array, last: Float64Array }

/**
 * First and last arrival of every key since the last commit.
 *
 * State: two numbers per key id of each task's key table, and the ids seen
 */
export class KeySightings {
  readonly #tables = new Map<KeyTable, Seen>()

  see ({ source, batch: { key, arrival, count }, keys }: LakeReadings): void {
    const seen = this.#seen(source, keys)
    const { first, last, known } = seen
    for (let row = 0; row < count; row += 1) {
      const id = key[row]!
      const at = arrival[row]!
      if (known[id] === 0) {
        known[id] = 1
        seen.ids[seen.count] = id
        seen.count += 1
        first[id] = last[id] = at
      } else if (at > last[id]!) last[id] = at
      else if (at < first[id]!) first[id] = at
    }
  }

  /** Blocks for the keys table; forgets what they hold. */
  take (pool: BufferPool): Block[] {
    const blocks = [...this.#tables.values()].filter(({ count }) => count > 0).map(seen => block(seen, pool))
    for (const seen of this.#tables.values()) {
      for (const id of seen.ids.subarray(0, seen.count)) seen.known[id] = 0
      seen.count = 0
    }
    return blocks
  }

  /** Tasks begin anew, with key tables of their own. */
  clear (): void { this.#tables.clear() }

  #seen (source: string, keys: KeyTable): Seen {
    let seen = this.#tables.get(keys)
    if (seen === undefined) this.#tables.set(keys, seen = { source, keys, known: new Uint8Array(64), ids: new Int32Array(64), count: 0, first: new Float64Array(64), last: new Float64Array(64) })
    if (keys.size > seen.known.length) {
      seen.first = grown(seen.first, keys.size)
      seen.last = grown(seen.last, keys.size)
      seen.ids = grown(seen.ids, keys.size)
      seen.known = grown(seen.known, keys.size)
    }
    return seen
  }
}

function block ({ source, keys, ids, count, first, last }: Seen, pool: BufferPool): Block {
  const columns = new BlockBuilder(count, ['text', 'text', 'stamp', 'stamp'], pool)
  const pick = (values: Float64Array) => Float64Array.from({ length: count }, (_, index) => values[ids[index]!]!)
  columns.texts(ids, keys)
  columns.text(source)
  columns.wholes(pick(first), 'stamp')
  columns.wholes(pick(last), 'stamp')
  return columns.finish()
}
