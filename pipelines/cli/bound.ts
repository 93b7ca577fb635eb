import { durationMs } from '../core/time.ts'
import { CliError } from './exit.ts'

/** A place in a log, as a person writes it. Units: milliseconds since the epoch */
export type Bound = { readonly offset: number } | { readonly timestamp: number }

/** An offset, a time, or how long ago. Errors: CliError usage */
export function boundOf (text: string): Bound {
  if (/^\d+$/.test(text)) return { offset: Number(text) }
  if (/^\d+(ms|s|m|h|d)$/.test(text)) return { timestamp: Date.now() - durationMs(text) }
  const timestamp = Date.parse(text)
  if (Number.isNaN(timestamp)) throw new CliError('usage', `Cannot read the place in the log: given=${JSON.stringify(text)} expected="start", "end", an offset, a time or a duration such as "10m"`)
  return { timestamp }
}
