import { decimalsOf, harmless, numberText, padded, widthOf } from './texts.ts'

export interface Bar { readonly name: string, readonly value: number | null }

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const
const nameWidthMax = 40

/** Bars from left to right with their values behind them; those below zero go to the left of it. */
export function barChart (title: string, bars: readonly Bar[], width: number): string {
  const values = bars.flatMap(({ value }) => value === null ? [] : [value])
  const decimals = Math.max(0, ...values.map(value => decimalsOf(value) ?? 0))
  const names = bars.map(({ name }) => shortened(harmless(name)))
  const nameWidth = Math.max(0, ...names.map(widthOf))
  const texts = bars.map(({ value }) => value === null ? '-' : numberText(value, decimals))
  const room = Math.max(8, width - nameWidth - 3 - Math.max(0, ...texts.map(text => text.length)))
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)]
  const zero = high === low ? 0 : Math.round(-low / (high - low) * room)
  const lines = bars.map(({ value }, index) => `${padded(names[index]!, nameWidth, 'left')} ${barText(value ?? 0, { perUnit: high === low ? 0 : room / (high - low), zero })} ${texts[index]}`)
  return `${harmless(title)}\n${lines.join('\n')}\n`
}

function barText (value: number, { perUnit, zero }: { readonly perUnit: number, readonly zero: number }): string {
  const length = Math.abs(value) * perUnit
  if (value < 0) return `${' '.repeat(Math.max(0, zero - Math.round(length)))}${'█'.repeat(Math.min(zero, Math.round(length)))}│`
  const full = Math.floor(length)
  return `${' '.repeat(zero)}${zero > 0 ? '│' : ''}${'█'.repeat(full)}${eighths[Math.floor((length - full) * 8)]}`
}

const shortened = (name: string): string => widthOf(name) <= nameWidthMax ? name : `${[...name].slice(0, nameWidthMax - 1).join('')}…`
