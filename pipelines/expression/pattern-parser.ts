/** Code points from..to, both included, in pairs. */
export type Ranges = readonly number[]
export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'word' | 'notWord'
export type Piece =
  | { readonly op: 'set', readonly ranges: Ranges, readonly negated: boolean, readonly fold: boolean }
  | { readonly op: 'assert', readonly what: Assertion }
  | { readonly op: 'sequence' | 'either', readonly parts: readonly Piece[] }
  | { readonly op: 'repeat', readonly part: Piece, readonly least: number, readonly most: number }

interface Flags { readonly fold: boolean, readonly dotAll: boolean, readonly lines: boolean }

const depthMax = 50
const repeatMax = 1000
const pointMax = 0x10ffff
const digits = [0x30, 0x39]
const wordPoints = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]
const spaces = [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20]
const shorthands: Readonly<Record<string, Ranges>> = { d: digits, w: wordPoints, s: spaces }
const controls: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }
const posix: Readonly<Record<string, Ranges>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a], alpha: [0x41, 0x5a, 0x61, 0x7a], ascii: [0, 0x7f], blank: [9, 9, 0x20, 0x20], cntrl: [0, 0x1f, 0x7f, 0x7f], digit: digits, graph: [0x21, 0x7e],
  lower: [0x61, 0x7a], print: [0x20, 0x7e], punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e], space: [9, 13, 0x20, 0x20], upper: [0x41, 0x5a], word: wordPoints, xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
}

/** Reads RE2 syntax into pieces. `fail` gets what is wrong, in words. */
export class PatternParser {
  readonly #points: readonly string[]
  readonly #fail: (problem: string) => never
  #at = 0
  #depth = 0
  #flags: Flags = { fold: false, dotAll: false, lines: false }

  constructor (source: string, fail: (problem: string) => never) {
    this.#points = [...source]
    this.#fail = fail
  }

  parse (): Piece {
    const piece = this.#either()
    if (this.#at < this.#points.length) this.#fail('a ) without its (')
    return piece
  }

  #either (): Piece {
    if ((this.#depth += 1) > depthMax) this.#fail(`groups nested deeper than ${depthMax}`)
    const flags = this.#flags
    const parts = [this.#sequence()]
    while (this.#take('|')) parts.push(this.#sequence())
    this.#flags = flags
    this.#depth -= 1
    return parts.length === 1 ? parts[0]! : { op: 'either', parts }
  }

  #sequence (): Piece {
    const parts: Piece[] = []
    for (;;) {
      const next = this.#points[this.#at]
      if (next === undefined || next === '|' || next === ')') return { op: 'sequence', parts }
      const piece = this.#piece()
      if (piece !== null) parts.push(this.#repeated(piece))
    }
  }

  #piece (): Piece | null {
    const character = this.#points[this.#at]!
    this.#at += 1
    switch (character) {
      case '(': return this.#group()
      case '[': return this.#class()
      case '.': return { op: 'set', ranges: this.#flags.dotAll ? [] : [10, 10], negated: true, fold: false }
      case '^': return { op: 'assert', what: this.#flags.lines ? 'lineStart' : 'textStart' }
      case '$': return { op: 'assert', what: this.#flags.lines ? 'lineEnd' : 'textEnd' }
      case '\\': return this.#escape()
      case '*': case '+': case '?': return this.#fail(`nothing before ${character} to repeat`)
      default: return this.#point(character.codePointAt(0)!)
    }
  }

  #point (point: number): Piece { return { op: 'set', ranges: [point, point], negated: false, fold: this.#flags.fold } }

  #group (): Piece | null {
    if (!this.#take('?')) return this.#closed()
    if (this.#take('P') || this.#points[this.#at] === '<') {
      const name = this.#until('>')
      if (!/^<\w+$/.test(name)) this.#fail('look-around and references are not supported')
      return this.#closed()
    }
    const flags = this.#flags
    let on = true
    for (;;) {
      const letter = this.#points[this.#at]
      this.#at += 1
      if (letter === ')') return null
      if (letter === ':') break
      if (letter === '-') on = false
      else if (letter === 'i') this.#flags = { ...this.#flags, fold: on }
      else if (letter === 's') this.#flags = { ...this.#flags, dotAll: on }
      else if (letter === 'm') this.#flags = { ...this.#flags, lines: on }
      else if (letter !== 'U') this.#fail('look-around and references are not supported')
    }
    const piece = this.#closed()
    this.#flags = flags
    return piece
  }

  #closed (): Piece {
    const piece = this.#either()
    if (!this.#take(')')) this.#fail('a ( without its )')
    return piece
  }

  #repeated (piece: Piece): Piece {
    let result = piece
    for (let count = 0; ; count += 1) {
      const bounds = this.#bounds()
      if (bounds === null) return result
      if (count > 0) this.#fail('a repetition of a repetition')
      this.#take('?')
      result = { op: 'repeat', part: result, least: bounds[0], most: bounds[1] }
    }
  }

  #bounds (): readonly [number, number] | null {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.#take('?')) return [0, 1]
    if (this.#points[this.#at] !== '{') return null
    const [whole, least, comma, most] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(this.#points.slice(this.#at, this.#at + 12).join('')) ?? []
    if (whole === undefined) return null
    this.#at += whole.length
    const bounds = [Number(least), comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)] as const
    if (bounds[0] > repeatMax || bounds[1] < bounds[0] || (bounds[1] > repeatMax && bounds[1] !== Number.POSITIVE_INFINITY)) this.#fail(`cannot repeat ${whole}`)
    return bounds
  }

  #escape (): Piece {
    const character = this.#points[this.#at] ?? this.#fail('a \\ at the end')
    this.#at += 1
    switch (character) {
      case 'b': return { op: 'assert', what: 'word' }
      case 'B': return { op: 'assert', what: 'notWord' }
      case 'A': return { op: 'assert', what: 'textStart' }
      case 'z': return { op: 'assert', what: 'textEnd' }
      case 'Q': return this.#quoted()
    }
    const shorthand = Object.hasOwn(shorthands, character.toLowerCase()) ? shorthands[character.toLowerCase()] : undefined
    if (shorthand !== undefined) return { op: 'set', ranges: shorthand, negated: character !== character.toLowerCase(), fold: false }
    return this.#point(this.#escapedPoint(character))
  }

  #quoted (): Piece {
    const parts: Piece[] = []
    while (this.#at < this.#points.length) {
      if (this.#points[this.#at] === '\\' && this.#points[this.#at + 1] === 'E') { this.#at += 2; break }
      parts.push(this.#point(this.#points[this.#at]!.codePointAt(0)!))
      this.#at += 1
    }
    return { op: 'sequence', parts }
  }

  #escapedPoint (character: string): number {
    if (Object.hasOwn(controls, character)) return controls[character]!
    if (character === 'x') {
      const digitsText = this.#take('{') ? this.#until('}') : this.#points.slice(this.#at, this.#at += 2).join('')
      const point = /^[0-9a-fA-F]{1,6}$/.test(digitsText) ? Number.parseInt(digitsText, 16) : Number.NaN
      return point <= pointMax ? point : this.#fail('\\x needs two hexadecimal digits')
    }
    if (character === '0') return 0
    if (/[A-Za-z0-9]/.test(character)) this.#fail(`\\${character} is not supported`)
    return character.codePointAt(0)!
  }

  #class (): Piece {
    const negated = this.#take('^')
    const ranges: number[] = []
    for (let first = true; ; first = false) {
      const character = this.#points[this.#at] ?? this.#fail('a [ without its ]')
      this.#at += 1
      if (character === ']' && !first) break
      if (character === '[' && this.#points[this.#at] === ':') { ranges.push(...this.#posixClass()); continue }
      const named = character === '\\' ? this.#classShorthand() : null
      if (named !== null) { ranges.push(...named); continue }
      const from = this.#classPoint(character)
      let to = from
      if (this.#points[this.#at] === '-' && this.#points[this.#at + 1] !== ']' && this.#points[this.#at + 1] !== undefined) {
        this.#at += 2
        to = this.#classPoint(this.#points[this.#at - 1]!)
      }
      if (to < from) this.#fail('a class range that runs backwards')
      ranges.push(from, to)
    }
    return { op: 'set', ranges, negated, fold: this.#flags.fold }
  }

  #classPoint (character: string): number {
    if (character !== '\\') return character.codePointAt(0)!
    const escaped = this.#points[this.#at] ?? this.#fail('a \\ at the end')
    this.#at += 1
    return this.#escapedPoint(escaped)
  }

  #classShorthand (): Ranges | null {
    const letter = this.#points[this.#at] ?? ''
    if (letter === '' || !Object.hasOwn(shorthands, letter.toLowerCase())) return null
    this.#at += 1
    const ranges = shorthands[letter.toLowerCase()]!
    return letter === letter.toLowerCase() ? ranges : inverted(ranges)
  }

  #posixClass (): Ranges {
    const name = this.#until(']').slice(1, -1)
    const negated = name.startsWith('^')
    const bare = negated ? name.slice(1) : name
    const ranges = Object.hasOwn(posix, bare) ? posix[bare]! : this.#fail(`no class [:${bare}:]`)
    return negated ? inverted(ranges) : ranges
  }

  #take (character: string): boolean {
    if (this.#points[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  /** What comes before `end`, which is passed over. */
  #until (end: string): string {
    const to = this.#points.indexOf(end, this.#at)
    if (to < 0) this.#fail(`a missing ${end}`)
    const text = this.#points.slice(this.#at, to).join('')
    this.#at = to + 1
    return text
  }
}

function inverted (ranges: Ranges): Ranges {
  const result: number[] = []
  let from = 0
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i]! > from) result.push(from, ranges[i]! - 1)
    from = ranges[i + 1]! + 1
  }
  return [...result, from, pointMax]
}
