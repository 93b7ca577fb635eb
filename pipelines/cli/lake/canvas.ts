/** Bits of a braille cell, by column and row of its dots. Source: Unicode 2800..28FF */
const dots = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]] as const

/**
 * A plane of characters that lines are drawn on, two dots across and four down in each.
 *
 * Units: x from left to right and y from bottom to top, both 0..1
 */
export class Canvas {
  readonly width: number
  readonly height: number
  readonly #bits: Uint8Array
  readonly #marks: (string | null)[]

  constructor (width: number, height: number) {
    this.width = width
    this.height = height
    this.#bits = new Uint8Array(width * height)
    this.#marks = new Array<string | null>(width * height).fill(null)
  }

  /** A line of dots. */
  line (x0: number, y0: number, x1: number, y1: number): void {
    const [ax, bx] = [x0, x1].map(x => Math.round(x * (this.width * 2 - 1))) as [number, number]
    const [ay, by] = [y0, y1].map(y => Math.round(y * (this.height * 4 - 1))) as [number, number]
    const steps = Math.max(Math.abs(bx - ax), Math.abs(by - ay), 1)
    for (let step = 0; step <= steps; step += 1) this.#dot(Math.round(ax + (bx - ax) * step / steps), Math.round(ay + (by - ay) * step / steps))
  }

  /** A line of a character of its own: one that is told from others without colours. */
  marked (x0: number, y0: number, x1: number, y1: number, mark: string): void {
    const [ax, bx] = [x0, x1].map(x => Math.round(x * (this.width - 1))) as [number, number]
    for (let column = ax; column <= bx; column += 1) {
      const y = bx === ax ? y1 : y0 + (y1 - y0) * (column - ax) / (bx - ax)
      const row = this.height - 1 - Math.round(y * (this.height - 1))
      this.#marks[row * this.width + column] = mark
    }
  }

  /** Rows from top to bottom. `paint` gives a mark its colour. */
  rows (paint: (mark: string) => string = mark => mark): string[] {
    return Array.from({ length: this.height }, (_, row) => Array.from({ length: this.width }, (_, column) => {
      const at = row * this.width + column
      const mark = this.#marks[at]
      return mark === null || mark === undefined ? this.#bits[at] === 0 ? ' ' : String.fromCharCode(0x2800 + this.#bits[at]!) : paint(mark)
    }).join(''))
  }

  #dot (x: number, y: number): void {
    const down = this.height * 4 - 1 - y
    const at = (down >> 2) * this.width + (x >> 1)
    this.#bits[at]! |= dots[x & 1]![down & 3]!
  }
}
