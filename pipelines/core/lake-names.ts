import { StreamError } from './errors.ts'

/** `doorOpen` and `cold-chain` as the lake has them: `door_open`, `cold_chain`. */
export function snakeCase (name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2').replace(/[^A-Za-z0-9]+/g, '_').toLowerCase()
}

/** Names that the lake needs itself, beside those of a definition: tables, columns of readings, of rollups, and of keys (which have text signals too). */
export const lakeWords = {
  tables: ['readings', 'keys', 'alerts', 'alerts_by_day', 'buckets', 'chunks', 'dead_letters', 'late', 'migrations'],
  readings: ['key', 'bucket', 'at', 'arrived_at', 'source', 'partition', 'offset'],
  rollups: ['key', 'bucket', 'start', 'end', 'source', 'partition', 'expected', 'received', 'revision', 'final', 'retraction', 'turn'],
  keys: ['key', 'shard', 'source', 'first_arrival', 'last_arrival'],
} as const

/**
 * Names as the lake has them, refused when two become the same or one is taken.
 *
 * Errors: LAKE_LAYOUT
 */
export function distinctNames (what: string, names: readonly string[], taken: readonly string[]): string[] {
  const seen = new Map(taken.map(name => [name, name]))
  return names.map(name => {
    const snake = snakeCase(name)
    const other = seen.get(snake)
    if (other !== undefined) throw new StreamError('LAKE_LAYOUT', { [what]: name, becomes: snake, as: other })
    seen.set(snake, name)
    return snake
  })
}
