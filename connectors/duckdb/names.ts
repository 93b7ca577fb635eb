import { StreamError } from '../../pipelines/core/errors.ts'

/** `doorOpen` and `cold-chain` as SQL has them: `door_open`, `cold_chain`. */
export function snakeCase (name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2').replace(/[^A-Za-z0-9]+/g, '_').toLowerCase()
}

/** An identifier that may be a reserved word (`at`, `offset`, `end`). */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * Names as SQL has them, refused when two become the same or one is taken.
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
