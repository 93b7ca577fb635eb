import type { Cell, Head } from './sheet.ts'

/** `2026-11-23T14:05:00.000Z`. */
export function isoText (ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}

/** Shorter, for people: no fraction where there is none. */
export const momentText = (ms: number): string => isoText(ms).replace('T', ' ').replace(/\.000Z$/, 'Z')

const lengths = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]] as const

/** `1d 2h`, `12m 5s`, `350ms`: the two largest parts. */
export function lengthText (ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  let left = Math.round(ms / 1_000) * 1_000
  const parts = lengths.map(([unit, size]) => {
    const amount = Math.floor(left / size)
    left -= amount * size
    return { unit, amount }
  })
  const first = parts.findIndex(({ amount }) => amount > 0)
  return parts.slice(first, first + 2).filter(({ amount }) => amount > 0).map(({ unit, amount }) => `${amount}${unit}`).join(' ')
}

/** What could steer a terminal or break a line is shown as its code. */
export const harmless = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, unit => `\\u${unit.codePointAt(0)!.toString(16).padStart(4, '0')}`)

/** Columns of a terminal that a text takes: wide characters two, marks none. */
export function widthOf (text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) width += /\p{Emoji_Presentation}|\p{scx=Han}|\p{scx=Hiragana}|\p{scx=Katakana}|\p{scx=Hangul}|[\uff01-\uff60]/u.test(segment) ? 2 : 1
  return width
}

export const padded = (text: string, width: number, side: 'left' | 'right'): string => {
  const fill = ' '.repeat(Math.max(0, width - widthOf(text)))
  return side === 'right' ? fill + text : text + fill
}

/** What a number needs behind the point, at most three; null: it is too small or too large for that. */
export function decimalsOf (value: number): number | null {
  const size = Math.abs(value)
  if (size >= 1e12 || (size > 0 && size < 1e-3)) return null
  const fraction = value.toFixed(3).split('.')[1]!.replace(/0+$/, '')
  return fraction.length
}

export function numberText (value: number, decimals: number): string {
  return decimalsOf(value) === null ? value.toPrecision(6).replace(/\.?0+(e|$)/, '$1') : value.toFixed(decimals)
}

/** Whole numbers beyond what JSON's readers take, and bytes, as texts. */
export const jsonOf = (cell: Cell): string => JSON.stringify(cell, (_, value: unknown) => typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)

/** A cell for programs: null, boolean, number, text or object. Numbers that JSON has no word for are null. */
export function plainCell ({ kind }: Head, cell: Cell): Cell {
  if (cell === null) return null
  if (kind === 'time') return isoText(cell as number)
  return typeof cell === 'number' && !Number.isFinite(cell) ? null : cell
}
