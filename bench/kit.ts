/** One row of a bench's table: a figure, what it is compared with, and what was wanted. */
export interface Figure {
  readonly id: string
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The peer's figure in the same run; absent where there is no peer. */
  readonly peer?: { readonly name: string, readonly value: number }
  readonly goal?: string
  /** True when the figure meets the goal. */
  readonly met?: boolean
}

/** Print a figure for people and, for `npm run bench`, as one JSON line behind a marker. */
export function report (figure: Figure): void {
  const { id, what, value, unit, peer, goal, met } = figure
  const ratio = peer === undefined ? '' : `  ${(value / peer.value).toFixed(2)}x ${peer.name} (${shown(peer.value)})`
  const verdict = goal === undefined ? '' : `  goal ${goal}${met === undefined ? '' : met ? ': met' : ': NOT met'}`
  console.log(`${id.padEnd(24)} ${what.padEnd(64)} ${shown(value)} ${unit}${ratio}${verdict}`)
  if (process.env.MILLRACE_BENCH_JSON) console.log(`FIGURE ${JSON.stringify(figure)}`)
}

/** A number as the tables have it. */
export const shown = (value: number): string => value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value >= 1e3 ? value.toFixed(0) : value.toPrecision(3)

/**
 * Run `work` (which says how many things it did) several times and take the best rate: on a noisy machine the fastest run is
 * the one least disturbed.
 *
 * Units: things per second of wall time
 */
export function bestRate (work: () => number, { runs = 5, warmup = 2 }: { readonly runs?: number, readonly warmup?: number } = {}): number {
  for (let run = 0; run < warmup; run += 1) work()
  let best = 0
  for (let run = 0; run < runs; run += 1) {
    const from = process.hrtime.bigint()
    const done = work()
    best = Math.max(best, done / (Number(process.hrtime.bigint() - from) / 1e9))
  }
  return best
}
