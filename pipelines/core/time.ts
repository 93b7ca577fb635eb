import { StreamError } from './errors.ts'

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Text such as `'10s'`: a whole amount and one of ms, s, m, h, d. */
export type Duration = `${number}${keyof typeof unitsMs}`

/**
 * Turn `'10s'` into `10000`.
 *
 * Units:  in text ms|s|m|h|d, out milliseconds
 * Errors: CONFIG_DURATION when the text is not a whole amount
 */
export function durationMs (text: string): number {
  const [, amount, unit] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Number(amount) * (unitsMs[unit as keyof typeof unitsMs] ?? Number.NaN)
  if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) throw new StreamError('CONFIG_DURATION', { given: text, expected: 'for example "10s"' })
  return ms
}

/** Turn `90000` into `'90s'`: the largest unit that divides it. */
export function durationText (ms: number): Duration {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms > 0 && ms % unitsMs[unit] === 0) return `${ms / unitsMs[unit]}${unit}`
  }
  return `${ms}ms`
}
