import { StreamError } from './errors.ts'
import { nearest } from './nearest.ts'
import { divide, multiply, one, power, type Ratio, ratio, ratioNumber, ratioOf, subtract, zero } from './ratio.ts'
import { baseUnits, baseWithoutPrefix, derivedUnits, everydayNames, prefixes, shiftedUnits } from './unit-table.ts'

/**
 * A unit of measure: base = factor * value + offset, in the base units of its dimension.
 * `offset` is not 0 for temperatures with a zero of their own (Cel, [degF]) standing alone; in a product
 * (`Cel/min`) they are differences.
 */
export interface Unit {
  readonly code: string
  /** Equal for units that measure the same thing; `'1'` for pure numbers. */
  readonly dimension: string
  readonly factor: number
  readonly offset: number
  readonly exact: { readonly factor: Ratio, readonly offset: Ratio }
  /** Simple units (with prefix) and their exponents. */
  readonly terms: ReadonlyMap<string, number>
}

interface Simple { readonly factor: Ratio, readonly offset: Ratio, readonly bases: ReadonlyMap<string, number> }
interface Definition { readonly value: Ratio, readonly of: string, readonly metric: boolean }

const codeLengthMax = 256
const exponentMax = 24
const depthMax = 8
const simplePattern = /(10[*^]|(?:[^\d./(){}[\]+\-\s]|\[[^\]\s]*\])+)([+-]?\d+)?/y

const definitions: ReadonlyMap<string, Definition> = new Map(derivedUnits.trim().split('\n').map(line => {
  const [code, value, of, metric] = line.split(' ')
  return [code!, { value: ratioOf(value!), of: of!, metric: metric === '*' }]
}))
const simpleUnits = new Map<string, Simple>(baseUnits.map(code => [code, { factor: one, offset: zero, bases: new Map([[code, 1]]) }]))
const units = new Map<string, Unit>()
const unitsCachedMax = 4096

/**
 * Read a UCUM code: prefixes, `.` `/`, exponents, factors, parentheses, `{annotations}`.
 *
 * Units:  case-sensitive UCUM codes, those of unit-table.ts
 * Errors: UNIT_UNKNOWN with the part not understood and the nearest code
 */
export function parseUnit (code: string): Unit {
  const cached = units.get(code)
  if (cached !== undefined) return cached
  const unit = new UnitParser(code).parse()
  if (units.size >= unitsCachedMax) units.clear()
  units.set(code, unit)
  return unit
}

/**
 * `to = from * scale + offset`, both rounded once from exact fractions.
 *
 * Errors: UNIT_UNKNOWN; UNIT_MISMATCH when the dimensions differ
 */
export function conversion (from: string, to: string): { readonly scale: number, readonly offset: number } {
  const source = parseUnit(from)
  const target = parseUnit(to)
  if (source.dimension !== target.dimension) throw new StreamError('UNIT_MISMATCH', { from, to, fromDimension: source.dimension, toDimension: target.dimension, ...meant(from, source, target) ?? meant(to, target, source) })
  const { factor, offset } = target.exact
  return { scale: ratioNumber(divide(source.exact.factor, factor)), offset: ratioNumber(divide(subtract(source.exact.offset, offset), factor)) }
}

/** A code that is read as something else than people mean by it: `ft` is a femtotonne, `pH` a picohenry. */
function meant (code: string, wrong: Unit, other: Unit): { readonly nearest: string } | null {
  const everyday = Object.hasOwn(everydayNames, code) ? everydayNames[code]! : code
  return parseUnit(everyday).dimension === other.dimension && wrong.dimension !== other.dimension ? { nearest: everyday } : null
}

export function sameDimension (a: string, b: string): boolean {
  return parseUnit(a).dimension === parseUnit(b).dimension
}

/** Whether a number means the same in both: `Pa` and `N/m2`, `mbar` and `hPa`. */
export function unitsEqual (a: string, b: string): boolean {
  if (a === b) return true
  const [left, right] = [parseUnit(a), parseUnit(b)]
  const same = (x: Ratio, y: Ratio) => x.n === y.n && x.d === y.d
  return left.dimension === right.dimension && same(left.exact.factor, right.exact.factor) && same(left.exact.offset, right.exact.offset)
}

/** The code of `a * b^exponent`; null when everything cancels. */
export function unitProduct (a: string, b: string, exponent: 1 | -1): string | null {
  const terms = new Map(parseUnit(a).terms)
  for (const [code, times] of parseUnit(b).terms) terms.set(code, (terms.get(code) ?? 0) + times * exponent)
  return termsCode(terms)
}

/** The code of one over the unit. */
export function unitInverse (code: string): string | null {
  return termsCode(new Map([...parseUnit(code).terms].map(([term, times]) => [term, -times])))
}

function termsCode (terms: ReadonlyMap<string, number>): string | null {
  const written = (code: string, times: number) => /^\d+$/.test(code) ? Array<string>(times).fill(code).join('.') : times === 1 ? code : `${code}${times}`
  const above = [...terms].filter(([, times]) => times > 0).map(([code, times]) => written(code, times))
  const below = [...terms].filter(([, times]) => times < 0).map(([code, times]) => `/${written(code, -times).replaceAll('.', '/')}`)
  return above.length + below.length === 0 ? null : above.join('.') + below.join('')
}

class UnitParser {
  readonly #code: string
  #at = 0
  #depth = 0
  readonly #terms = new Map<string, number>()

  constructor (code: string) { this.#code = code }

  parse (): Unit {
    if (this.#code === '' || this.#code.length > codeLengthMax) throw this.#unknown(this.#code.slice(0, 32))
    this.#term(1)
    if (this.#at < this.#code.length) throw this.#unknown(this.#code.slice(this.#at))
    for (const [code, times] of this.#terms) {
      if (times === 0) this.#terms.delete(code)
      else if (Math.abs(times) > exponentMax) throw this.#unknown(`${code}${times}`)
    }
    return makeUnit(this.#code, this.#terms)
  }

  #term (sign: number): void {
    if ((this.#depth += 1) > depthMax) throw this.#unknown(this.#code.slice(this.#at))
    let direction = this.#take('/') ? -1 : 1
    for (;;) {
      this.#component(sign * direction)
      if (this.#take('.')) direction = 1
      else if (this.#take('/')) direction = -1
      else break
    }
    this.#depth -= 1
  }

  #component (sign: number): void {
    if (this.#take('(')) {
      this.#term(sign)
      if (!this.#take(')')) throw this.#unknown(this.#code.slice(this.#at))
      return
    }
    if (this.#annotation()) return
    const number = this.#match(/\d{1,15}(?![\d*^])/y)?.[0]
    if (number !== undefined) {
      if (number !== '1') this.#add(number, sign)
    } else {
      const [whole, code, exponent] = this.#match(simplePattern) ?? []
      if (code === undefined) throw this.#unknown(this.#code.slice(this.#at))
      if (simpleUnit(code) === null || (exponent ?? '').length > 4) throw this.#unknown(whole!)
      this.#add(code, sign * Number(exponent ?? 1))
    }
    this.#annotation()
  }

  #add (code: string, times: number): void {
    if (/^0+$/.test(code) || !(Math.abs(times) <= exponentMax)) throw this.#unknown(code)
    this.#terms.set(code, (this.#terms.get(code) ?? 0) + times)
  }

  #annotation (): boolean { return this.#match(/\{[^{}]*\}/y) !== null }

  #take (character: string): boolean {
    if (this.#code[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #match (pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#code)
    if (found !== null) this.#at = pattern.lastIndex
    return found
  }

  #unknown (part: string): StreamError {
    const suggestion = suggest(this.#code) ?? suggest(part)
    return new StreamError('UNIT_UNKNOWN', { unit: this.#code.slice(0, codeLengthMax), ...(part !== this.#code && { part }), ...(suggestion !== null && { nearest: suggestion }) })
  }
}

function makeUnit (code: string, terms: ReadonlyMap<string, number>): Unit {
  const [only, ...others] = terms
  const alone = only !== undefined && others.length === 0 && only[1] === 1
  let factor = one
  const bases = new Map<string, number>()
  for (const [term, times] of terms) {
    const simple = /^\d+$/.test(term) ? { factor: ratio(BigInt(term), 1n), bases: new Map<string, number>() } : simpleUnit(term)!
    factor = multiply(factor, power(simple.factor, times))
    for (const [base, exponent] of simple.bases) bases.set(base, (bases.get(base) ?? 0) + exponent * times)
  }
  const offset = alone ? simpleUnit(only[0])?.offset ?? zero : zero
  const dimension = [...bases].filter(([, exponent]) => exponent !== 0).sort(([a], [b]) => a < b ? -1 : 1).map(([base, exponent]) => exponent === 1 ? base : `${base}${exponent}`).join('.') || '1'
  return { code, dimension, factor: ratioNumber(factor), offset: ratioNumber(offset), exact: { factor, offset }, terms }
}

/** A unit of the table, with or without a prefix; null when there is none. */
function simpleUnit (code: string): Simple | null {
  const known = simpleUnits.get(code)
  if (known !== undefined) return known
  const made = atom(code)?.unit ?? prefixed(code)
  if (made !== null) simpleUnits.set(code, made)
  return made
}

function prefixed (code: string): Simple | null {
  for (const [prefix, [n, d]] of prefixes) {
    if (!code.startsWith(prefix)) continue
    const rest = atom(code.slice(prefix.length))
    if (rest?.metric) return { ...rest.unit, factor: multiply(rest.unit.factor, ratio(n, d)) }
  }
  return null
}

function atom (code: string): { readonly unit: Simple, readonly metric: boolean } | null {
  if (baseUnits.includes(code)) return { unit: simpleUnits.get(code)!, metric: !baseWithoutPrefix.includes(code) }
  if (Object.hasOwn(shiftedUnits, code)) {
    const { scale, zero: offset, metric } = shiftedUnits[code]!
    return { unit: { factor: ratioOf(scale), offset: ratioOf(offset), bases: new Map([['K', 1]]) }, metric }
  }
  const definition = definitions.get(code)
  if (definition === undefined) return null
  const { exact, dimension } = parseUnit(definition.of)
  const bases = dimension === '1' ? new Map<string, number>() : basesOf(definition.of)
  return { unit: { factor: multiply(definition.value, exact.factor), offset: zero, bases }, metric: definition.metric }
}

function basesOf (code: string): ReadonlyMap<string, number> {
  const bases = new Map<string, number>()
  for (const [term, times] of parseUnit(code).terms) {
    for (const [base, exponent] of simpleUnit(term)?.bases ?? []) bases.set(base, (bases.get(base) ?? 0) + exponent * times)
  }
  return bases
}

/** The code that a wrong one most likely stands for. */
function suggest (wrong: string): string | null {
  if (wrong === '') return null
  if (Object.hasOwn(everydayNames, wrong)) return everydayNames[wrong]!
  const folded = wrong.toLowerCase()
  const everyday = Object.keys(everydayNames).find(name => name.toLowerCase() === folded)
  if (everyday !== undefined) return everydayNames[everyday]!
  const misspelt = wrong.length > 4 ? nearest(wrong, Object.keys(everydayNames).filter(name => name.length > 4)) : null
  if (misspelt !== null) return everydayNames[misspelt]!
  return nearest(wrong, [...baseUnits, ...Object.keys(shiftedUnits), ...definitions.keys(), 'kg', 'km', 'cm', 'mm', 'ms', 'kPa', 'hPa', 'mbar', 'kW', 'kW.h', 'mA', 'mV', 'km/h', 'm/s', 'dB'])
}
