import type { Path } from './problem.ts'
import { offsetInQuoted, offsetOf, placeIn, type SourceText } from './source-text.ts'

/** A value in the text: where it begins and ends, and its members if it is an object or array literal. */
interface Literal { readonly start: number, readonly end: number, readonly members: readonly Member[], /** A plain name: a constant of the same file, or one that cannot be followed. */ readonly name: string | null }
interface Member { readonly name: string, readonly keyStart: number, readonly value: Literal }

/**
 * Finds the parts of a definition in TypeScript source by reading its object literals, without a compiler. Strings,
 * comments, templates and brackets are understood; constants of the same file are followed; what is computed or spread
 * from elsewhere is not, and then the nearest part above stands for it.
 */
export function readTypeScript (text: string): SourceText {
  const scanner = new Scanner(text)
  const root = findRoot(scanner, text)
  const walk = (path: Path) => follow(scanner, root, path)
  return {
    locate: (path, at) => {
      const { literal, member, found } = walk(path)
      if (literal === null) return placeIn(text, 0)
      const named = member !== null && found && (at === 'key' || /^[{[]/.test(text.slice(literal.start, literal.start + 1)))
      return placeIn(text, named || (member !== null && !found) ? member!.keyStart : literal.start)
    },
    locateWithin: (path, within) => {
      const { literal, found } = walk(path)
      if (literal === null || !found || !/^['"`]/.test(text.slice(literal.start, literal.start + 1))) return null
      const raw = text.slice(literal.start, literal.end)
      // Line breaks of a template stand in the source as they are; those of other strings are escapes.
      const index = offsetOf(unquoted(raw), within)
      return placeIn(text, literal.start + offsetInQuoted(raw, { index, backslash: true }))
    },
  }
}

interface Followed { readonly literal: Literal | null, readonly member: Member | null, readonly found: boolean }

function follow (scanner: Scanner, root: Literal | null, path: Path): Followed {
  let literal = root === null ? null : scanner.resolved(root)
  let member: Member | null = null
  for (const part of path) {
    const next = literal?.members.find(({ name }) => name === String(part))
    if (next === undefined) return { literal, member, found: false }
    member = next
    literal = scanner.resolved(next.value)
  }
  return { literal, member, found: true }
}

/** The definition: the argument of the exported `definePipeline(...)`, or the default export itself. */
function findRoot (scanner: Scanner, text: string): Literal | null {
  for (const pattern of [/\bexport\s+default\s+definePipeline\s*\(/, /\bdefinePipeline\s*\(/, /\bexport\s+default\s+(?=[{A-Za-z_$])/]) {
    const found = scanner.search(pattern)
    if (found !== null && /[^\s)]/.test(text[scanner.skip(found)] ?? ')')) return scanner.value(found)
  }
  return null
}

function unquoted (raw: string): string {
  return raw.slice(1, -1).replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|u\{[\da-fA-F]+\}|[\s\S])/g, (_, escaped: string) => escaped === 'n' ? '\n' : '?')
}

class Scanner {
  readonly #text: string
  /** The text with comments and the insides of strings blanked, so that patterns match code only. */
  readonly #code: string
  #depth = 0

  constructor (text: string) {
    this.#text = text
    this.#code = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`/g, found => /^\//.test(found) ? found.replace(/[^\n]/g, ' ') : found[0] + found.slice(1, -1).replace(/[^\n]/g, '_') + found.at(-1))
  }

  /** Offset just past the first match in code. */
  search (pattern: RegExp): number | null {
    const found = pattern.exec(this.#code)
    return found === null ? null : found.index + found[0].length
  }

  skip (offset: number): number {
    while (offset < this.#code.length && /\s/.test(this.#code[offset]!)) offset += 1
    return offset
  }

  /** A name stands for the constant of that name; anything else for itself. */
  resolved (literal: Literal): Literal {
    if (literal.name === null) return literal
    const found = this.search(new RegExp(`\\b(?:const|let|var)\\s+${literal.name.replaceAll('$', '\\$')}\\s*(?::[^=]+)?=(?![=>])`))
    return found === null ? literal : { ...this.value(found), name: null }
  }

  value (from: number): Literal {
    const start = this.skip(from)
    const char = this.#code[start]
    this.#depth += 1
    const members = this.#depth > 64 ? null : char === '{' ? this.#object(start + 1) : char === '[' ? this.#array(start + 1) : null
    this.#depth -= 1
    const end = this.#endOf(members?.end ?? start)
    const raw = this.#text.slice(start, end)
    return { start, end, members: members?.list ?? [], name: /^[A-Za-z_$][\w$]*$/.test(raw) && members === null ? raw : null }
  }

  #object (from: number): { readonly list: readonly Member[], readonly end: number } {
    const list: Member[] = []
    let at = this.skip(from)
    while (at < this.#code.length && this.#code[at] !== '}') {
      const key = /^(?:([A-Za-z_$][\w$]*|\d+)|(['"])(.*?)\2)/.exec(this.#code.slice(at, at + 300))
      const after = key === null ? at : this.skip(at + key[0].length)
      if (key === null) at = this.#endOf(at)
      else if (this.#code[after] === ':') {
        const value = this.value(after + 1)
        list.push({ name: this.#text.slice(at, at + key[0].length).replace(/^['"]|['"]$/g, ''), keyStart: at, value })
        at = value.end
      } else {
        const end = this.#endOf(at)
        if (key[1] !== undefined && this.#text.slice(at, end) === key[1]) list.push({ name: key[1], keyStart: at, value: { start: at, end, members: [], name: key[1] } })
        at = end
      }
      at = this.#pastComma(at)
    }
    return { list, end: at + 1 }
  }

  #array (from: number): { readonly list: readonly Member[], readonly end: number } {
    const list: Member[] = []
    let at = this.skip(from)
    while (at < this.#code.length && this.#code[at] !== ']') {
      const value = this.value(at)
      list.push({ name: String(list.length), keyStart: value.start, value })
      at = this.#pastComma(Math.max(value.end, at + 1))
    }
    return { list, end: at + 1 }
  }

  #pastComma (offset: number): number {
    const at = this.skip(offset)
    return this.#code[at] === ',' ? this.skip(at + 1) : at
  }

  /** Where the expression that begins here ends: before a comma or closing bracket of its own level. */
  #endOf (from: number): number {
    let at = from
    for (let depth = 0; at < this.#code.length; at += 1) {
      const char = this.#code[at]!
      if (char === "'" || char === '"' || char === '`') at = this.#code.indexOf(char, at + 1)
      else if ('([{'.includes(char)) depth += 1
      else if (')]}'.includes(char)) { if (depth === 0) break; depth -= 1 } else if (char === ',' && depth === 0) break
      if (at < 0) return this.#code.length
    }
    while (at > from && /\s/.test(this.#code[at - 1]!)) at -= 1
    return at
  }
}
