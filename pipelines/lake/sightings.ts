import type { LakeReaderPort, LakeSpan } from '../core/lake-ports.ts'
import type { Hole } from './coverage.ts'
import type { Heard } from './select.ts'

/** How many windows back from the last arrival of a device its last stored ones are looked for. */
const backWindows = 3

export interface HoleWindow { readonly name: string, readonly sizeMs: number }

/**
 * When devices were heard: what they may have said that is in no window.
 *
 * State: two numbers of each key it was told of, or had to ask for
 */
export class Sightings {
  readonly #reader: LakeReaderPort
  readonly #abort: AbortSignal | undefined
  readonly #heard = new Map<string, Heard | null>()

  constructor (reader: LakeReaderPort, abort: AbortSignal | undefined) {
    this.#reader = reader
    this.#abort = abort
  }

  tell (key: string, { firstArrival, lastArrival }: Heard): void { this.#heard.set(key, { firstArrival, lastArrival }) }

  clear (): void { this.#heard.clear() }

  /** Behind every event time that a device can have; Infinity where that is not known. */
  until (key: string): number {
    const heard = this.#heard.get(key)
    if (heard === undefined) return Number.POSITIVE_INFINITY
    // Arrivals are cut to whole milliseconds.
    return heard === null ? Number.NEGATIVE_INFINITY : heard.lastArrival + (this.#reader.layout.futureMaxMs ?? Number.POSITIVE_INFINITY) + 1
  }

  /**
   * Of holes that rows of a window leave, those in which readings may lie: a hole behind the last row where that window of the device may not have closed,
   * one before its first row where the device was heard before (the window is younger than the device), one beside a row that does not fit.
   */
  async open (holes: ReadonlyMap<string, readonly Hole[]>, window: HoleWindow): Promise<Map<string, Hole[]>> {
    await this.#learn([...holes.keys()])
    const closed = await this.#closed(holes, window)
    const result = new Map<string, Hole[]>()
    for (const [key, some] of holes) {
      const heard = this.#heard.get(key)
      if (heard === undefined || heard === null) continue
      const mayBeOpen = (hole: Hole) => !closed.has(key) && this.until(key) > hole.from
      const isOlder = (hole: Hole) => heard.firstArrival < hole.to
      const left = some.filter(hole => hole.side === 'cut' || (hole.side !== 'head' && mayBeOpen(hole)) || (hole.side !== 'tail' && isOlder(hole)))
      if (left.length > 0) result.set(key, left)
    }
    return result
  }

  async #learn (keys: readonly string[]): Promise<void> {
    const unknown = keys.filter(key => !this.#heard.has(key))
    if (unknown.length === 0) return
    for await (const piece of this.#reader.keys({ keys: unknown, ...this.#abort && { signal: this.#abort } })) for (const one of piece) this.tell(one.key, one)
    for (const key of unknown) if (!this.#heard.has(key)) this.#heard.set(key, null)
  }

  /** Windows of a device close in order of time: where a later one is stored, what is open before it stays open for want of readings. */
  async #closed (holes: ReadonlyMap<string, readonly Hole[]>, { name, sizeMs }: HoleWindow): Promise<ReadonlySet<string>> {
    const spans = new Map<string, LakeSpan>()
    for (const [key, some] of holes) {
      const last = some.at(-1)!
      const heard = this.#heard.get(key)
      if (last.side === 'head' || last.side === 'cut' || heard === undefined || heard === null) continue
      const from = Math.floor(heard.lastArrival / sizeMs - backWindows) * sizeMs
      if (from >= last.to) spans.set(key, { from, to: from + 2 * backWindows * sizeMs })
    }
    const found = new Set<string>()
    if (spans.size === 0) return found
    const range = { keys: [...spans.keys()], spans, ...around(spans), brief: true, ...this.#abort && { signal: this.#abort } }
    for await (const { key } of this.#reader.rollups({ ...range, window: name, columns: [] })) found.add(key)
    return found
  }
}

/** The least range that has all spans. */
export function around (spans: ReadonlyMap<string, LakeSpan>): LakeSpan {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const span of spans.values()) {
    from = Math.min(from, span.from)
    to = Math.max(to, span.to)
  }
  return { from, to }
}
