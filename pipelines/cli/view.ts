import type { ControlEvent } from '../../schemas/control-event.ts'
import { count, paint } from './talk.ts'

/**
 * What a running pipeline looks like at one moment.
 *
 * Units: rate readings per second of wall time; watermark milliseconds since the epoch; lag records not yet processed, per leg
 */
export interface ViewState {
  readonly ingested: number
  readonly rate: number
  readonly normalised: number
  readonly windows: number
  readonly late: number
  readonly deadLetters: ReadonlyMap<string, number>
  readonly raised: number
  readonly cleared: number
  readonly watermark: number
  readonly lag: { readonly race: number, readonly pond: number }
  readonly stored: { readonly readings: number, readonly rollups: number, readonly alerts: number }
}

const recentMax = 10

/**
 * The live view of `dev` and `run` on stderr: on a terminal a block that redraws itself, elsewhere a line per alert and one of figures
 * every few seconds.
 */
export class LiveView {
  readonly #live: boolean
  readonly #title: string
  readonly #recent: string[] = []
  #drawn = 0
  #lastLine = Number.NEGATIVE_INFINITY

  constructor ({ title, live }: { readonly title: string, readonly live: boolean }) {
    this.#title = title
    this.#live = live
  }

  alert (event: ControlEvent): void {
    const line = alertLine(event)
    if (!this.#live) { process.stderr.write(`${line}\n`); return }
    this.#recent.push(line)
    if (this.#recent.length > recentMax) this.#recent.shift()
  }

  /** A sentence that stays above the block. */
  note (text: string): void {
    this.#erase()
    process.stderr.write(`${text}\n`)
  }

  show (state: ViewState, monotonicMs: number): void {
    if (this.#live) this.#draw(state)
    else if (monotonicMs - this.#lastLine >= 5_000) {
      this.#lastLine = monotonicMs
      process.stderr.write(`${figuresLine(state)}\n`)
    }
  }

  close (): void { this.#drawn = 0 }

  #draw (state: ViewState): void {
    const width = process.stderr.columns ?? 100
    const lines = [paint.bold(this.#title), ...figureLines(state), '', paint.dim('alerts'), ...(this.#recent.length === 0 ? [paint.dim('  none yet')] : this.#recent.map(line => `  ${line}`))]
    this.#erase()
    process.stderr.write(`${lines.map(line => clip(line, width)).join('\n')}\n`)
    this.#drawn = lines.length
  }

  #erase (): void {
    if (this.#drawn > 0) process.stderr.write(`${esc}[${this.#drawn}A${esc}[J`)
    this.#drawn = 0
  }
}

export function alertLine (event: ControlEvent): string {
  const { state, severity, rule, key, summary, labels, at } = event
  const tone = state === 'cleared' ? paint.green : severity === 'critical' ? paint.red : paint.yellow
  const where = Object.values(labels).join(', ')
  const decided = summary ?? Object.entries(event.values).map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toFixed(2)) : value}`).join(', ')
  return `${paint.dim(new Date(at).toISOString().slice(11, 19))} ${tone(`${state.padEnd(7)} ${severity.padEnd(8)}`)} ${paint.bold(rule)} ${key}${where === '' ? '' : ` (${where})`}${decided === '' ? '' : ` ${decided}`}`
}

function figureLines (state: ViewState): readonly string[] {
  const { ingested, rate, normalised, windows, late, deadLetters, raised, cleared, watermark, lag, stored } = state
  const dead = [...deadLetters].map(([reason, many]) => `${reason} ${count(many)}`).join(', ')
  const reached = Number.isFinite(watermark) ? new Date(watermark).toISOString().slice(11, 19) : '-'
  return [
    `  readings   ${count(ingested).padStart(10)}   ${count(rate)}/s   normalised ${count(normalised)}   late ${count(late)}   watermark ${reached}`,
    `  windows    ${count(windows).padStart(10)}   alerts raised ${count(raised)}   cleared ${count(cleared)}   open ${count(raised - cleared)}`,
    `  lake       ${count(stored.readings).padStart(10)} readings   ${count(stored.rollups)} rollups   ${count(stored.alerts)} alerts`,
    `  behind     ${count(lag.race).padStart(10)} records (alerts)   ${count(lag.pond)} records (lake)`,
    `  dead       ${count([...deadLetters.values()].reduce((sum, many) => sum + many, 0)).padStart(10)}   ${dead}`,
  ]
}

function figuresLine (state: ViewState): string {
  const dead = [...state.deadLetters.values()].reduce((sum, many) => sum + many, 0)
  return paint.dim(`${count(state.ingested)} readings (${count(state.rate)}/s), ${count(state.windows)} windows, ${count(state.raised)} raised, ${count(state.cleared)} cleared, ${count(state.late)} late, ${count(dead)} dead letters, ${count(state.stored.readings)} in the lake`)
}

const esc = '\u001b'
const colour = new RegExp(`(${esc}\\[[0-9;]*m)`)

/** Cut to the width of the terminal, escape sequences not counted. */
function clip (line: string, width: number): string {
  let seen = 0
  let out = ''
  for (const part of line.split(colour)) {
    if (part.startsWith(esc)) { out += part; continue }
    out += part.slice(0, Math.max(0, width - seen))
    seen += part.length
  }
  return out
}
