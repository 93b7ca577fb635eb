import type { LakeSpan } from '../core/lake-ports.ts'

/**
 * A stretch of one device's time that no row of a window covers.
 *
 * Shape: `before` and `after`: the intervals at its edges that have the device already (-1, Infinity: none). `side`: `head` before its first row, `tail`
 *        behind its last, `whole` where it has none, `cut` beside a row that does not fit; `isLast`: no row of any window lies behind it
 */
export interface Hole extends LakeSpan { readonly before: number, readonly after: number, readonly side: 'head' | 'tail' | 'whole' | 'cut', readonly isLast: boolean }

/** `intervalMs` null: the range is one. `isKept` false: nobody asks for holes. */
export interface CoverageOptions { readonly sizeMs: number, readonly intervalMs: number | null, readonly isKept: boolean }

/**
 * Which rows of a window answer, and what they leave open, device by device. A row answers where it lies in one interval and behind the one before: of hopping
 * windows those side by side, of one whose size has changed those of either size.
 *
 * State: the holes of devices that have any, and which devices came
 */
export class Coverage {
  readonly holes = new Map<string, Hole[]>()
  readonly #whole: LakeSpan
  readonly #sizeMs: number
  readonly #intervalMs: number | null
  readonly #isKept: boolean
  readonly #came = new Set<string>()
  #key = ''
  #to = 0
  #until = 0
  /** Of the last row that answers. */
  #width = 0
  #after = Number.POSITIVE_INFINITY
  /** The last interval that has the device. */
  #interval = -1
  #isLast = true
  #isEmpty = true
  #isCut = false

  constructor (whole: LakeSpan, { sizeMs, intervalMs, isKept }: CoverageOptions) {
    this.#whole = whole
    this.#isKept = isKept
    this.#sizeMs = sizeMs
    this.#intervalMs = intervalMs
  }

  begin (key: string, hole: Hole | undefined, before: number): void {
    const { from, to } = hole ?? this.#whole
    this.#key = key
    if (this.#isKept) this.#came.add(key)
    this.#until = from
    this.#to = to
    this.#interval = hole?.before ?? before
    this.#after = hole?.after ?? Number.POSITIVE_INFINITY
    this.#isLast = hole?.isLast ?? true
    this.#isEmpty = true
    this.#isCut = false
  }

  /** Whether a row answers; `interval` is that of its start. */
  takes (start: number, end: number, interval: number): boolean {
    const width = end - start
    if (start % width !== 0 || start < this.#until) return false
    if (end > this.#to || (width !== this.#sizeMs && !this.#isInOne(start, end))) {
      this.#isCut = true
      return false
    }
    // Windows of another size begin anew: what was open of the former ones is in none.
    if (width !== this.#width && start > this.#until && !this.#isEmpty) this.#isCut = true
    if (this.#isCut || (this.#isEmpty && start > this.#until)) this.#open(start, interval, 'head')
    this.#isEmpty = false
    this.#width = width
    this.#until = end
    this.#interval = interval
    return true
  }

  /** The device has no more rows. */
  end (): void {
    if (this.#until >= this.#to) return
    // Behind windows of a former size, one that was open when it changed is in none.
    if (!this.#isEmpty && this.#width !== this.#sizeMs) this.#isCut = true
    this.#open(this.#to, this.#after, this.#isEmpty ? 'whole' : 'tail')
  }

  /** Whether any row of the device came. */
  has (key: string): boolean { return this.#came.has(key) }

  #isInOne (start: number, end: number): boolean {
    const step = this.#intervalMs
    return step === null || Math.floor(start / step) === Math.floor((end - 1) / step)
  }

  #open (to: number, after: number, side: Hole['side']): void {
    if (!this.#isKept) return
    const hole: Hole = { from: this.#until, to, before: this.#interval, after, side: this.#isCut ? 'cut' : side, isLast: this.#isLast && to === this.#to }
    this.#isCut = false
    const known = this.holes.get(this.#key)
    if (known === undefined) this.holes.set(this.#key, [hole])
    else known.push(hole)
  }
}
