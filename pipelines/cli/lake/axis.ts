import { isoText, numberText } from './texts.ts'

export interface Axis { readonly low: number, readonly high: number, readonly ticks: readonly number[], readonly text: (tick: number) => string }

/** An axis for values: ends and ticks at 1, 2 or 5 times a power of ten. */
export function valueAxis (low: number, high: number, ticksMax: number): Axis {
  const [from, to] = low < high ? [low, high] : [low - (Math.abs(low) / 10 || 1), low + (Math.abs(low) / 10 || 1)]
  const rough = (to - from) / Math.max(1, ticksMax)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find(one => one * power >= rough * (1 - 1e-9)) ?? 10)
  const first = Math.floor(from / step + 1e-9)
  const last = Math.ceil(to / step - 1e-9)
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step)
  const decimals = Math.min(3, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  return { low: first * step, high: last * step, ticks, text: tick => numberText(tick, decimals) }
}

const stepsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, ...[1, 2, 5, 10, 15, 30].map(s => s * 1_000), ...[1, 2, 5, 10, 15, 30].map(m => m * 60_000), ...[1, 2, 3, 6, 12].map(h => h * 3_600_000), ...[1, 2, 5, 10, 30, 90, 365].map(d => d * 86_400_000)]

/** An axis for moments in UTC: ticks at round times, their texts as short as they can be. */
export function timeAxis (from: number, to: number, ticksMax: number): Axis {
  const step = stepsMs.find(one => (to - from) / one <= ticksMax) ?? Math.ceil((to - from) / ticksMax / 86_400_000) * 86_400_000
  const first = Math.ceil(from / step)
  const ticks = Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, index) => (first + index) * step)
  const text = (ms: number): string => {
    const iso = isoText(ms)
    if (step >= 86_400_000) return iso.slice(5, 10)
    // Midnight says which day begins.
    if (ms % 86_400_000 === 0) return iso.slice(5, 10)
    return step >= 60_000 ? iso.slice(11, 16) : step >= 1_000 ? iso.slice(11, 19) : iso.slice(17, 23)
  }
  return { low: from, high: to, ticks, text }
}
