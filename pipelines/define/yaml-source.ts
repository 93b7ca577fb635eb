import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, type Range, type Scalar } from 'yaml'
import type { Path, Problems } from './problem.ts'
import type { Variables } from './profile.ts'
import { offsetInQuoted, offsetOf, type Place, type SourceText } from './source-text.ts'
import { fillVariables } from './variables.ts'

/** YAML text as plain data, and where each part of it stands. */
export interface YamlSource extends SourceText { readonly raw: unknown }

/** How often anchors may be used, so that a small file cannot stand for a huge one. */
const aliasesMax = 1_000

/** Read YAML; what is no YAML goes to `problems`, with its place. */
export function readYaml (text: string, problems: Problems, variables: Variables = {}): YamlSource {
  const lines = new LineCounter()
  const document = attempt(problems, () => parseDocument(text, { lineCounter: lines, prettyErrors: false })) ?? parseDocument('')
  for (const { message, pos } of document.errors) {
    const { line, col } = lines.linePos(pos[0])
    problems.add([], message.split('\n')[0]!, { line, column: col })
  }
  const filled = document.errors.length > 0 ? new Set() : fillVariables(document, { variables, problems })
  const placeOf = (offset: number): Place => { const { line, col } = lines.linePos(offset); return { line, column: col } }
  return {
    raw: document.errors.length > 0 ? null : attempt(problems, () => document.toJS({ maxAliasCount: aliasesMax }) as unknown),
    locate: (path, at) => placeOf(find(document.contents as Node | null, path, at)),
    locateWithin: (path, within) => {
      const node = nodeAt(document.contents as Node | null, path)
      return filled.has(node) ? null : placeWithin({ text, node, within, placeOf })
    },
  }
}

/** The parser throws on aliases of aliases and on nesting without end. */
function attempt<T> (problems: Problems, read: () => T): T | null {
  try { return read() } catch (error) {
    problems.add([], `cannot read the YAML: ${error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message}`)
    return null
  }
}

/** Offset of the name or value at a path; of the nearest part above it where the path leads nowhere. */
function find (root: Node | null, path: Path, at: 'key' | 'value'): number {
  let node: unknown = root
  let offset = start(root)
  path.forEach((part, index) => {
    const item = stepInto(node, part)
    if (item === null) { node = null; return }
    const last = index === path.length - 1
    offset = last && at === 'key' && item.key !== null ? start(item.key) : item.value === null ? start(item.key) : start(item.value)
    // A mapping or list begins at its first member; its name says better where it stands.
    if (item.key !== null && !isScalar(item.value)) offset = start(item.key)
    node = item.value
  })
  return offset
}

const start = (node: unknown): number => (node as { readonly range?: Range | null } | null)?.range?.[0] ?? 0

function stepInto (node: unknown, part: string | number): { readonly key: Node | null, readonly value: Node | null } | null {
  if (isSeq(node)) {
    const item = node.items[Number(part)]
    return item === undefined ? null : { key: null, value: item as Node }
  }
  if (!isMap(node)) return null
  const pair = node.items.find(item => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part))
  return pair === undefined ? null : { key: pair.key as Node, value: pair.value as Node | null }
}

function nodeAt (root: Node | null, path: Path): Node | null {
  let node: Node | null = root
  for (const part of path) node = stepInto(node, part)?.value ?? null
  return node
}

interface Within { readonly text: string, readonly node: Node | null, readonly within: Place, readonly placeOf: (offset: number) => Place }

/** The place of a line and column of a text that the YAML holds: quotes, escapes and block indentation walked over. */
function placeWithin ({ text, node, within, placeOf }: Within): Place | null {
  if (!isScalar(node) || typeof node.value !== 'string') return null
  const { range, type } = node as Scalar & { readonly range?: Range }
  if (range === undefined) return null
  const [from, to] = range
  if (type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED') {
    const lines = text.slice(from, to).split('\n')
    const body = lines.slice(1)
    const indent = Math.min(...body.filter(line => line.trim() !== '').map(line => line.search(/\S/)))
    // A folded block joins its lines, so its columns run on over them.
    let { line, column } = within
    if (type === 'BLOCK_FOLDED') while (line <= body.length && column - 1 > body[line - 1]!.length - indent) { column -= body[line - 1]!.length - indent + 1; line += 1 }
    const offset = from + lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + indent + column - 1
    return placeOf(Math.min(offset, to))
  }
  const raw = text.slice(from, to)
  const index = offsetOf(node.value, within)
  const quoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE'
  return placeOf(from + (quoted ? offsetInQuoted(raw, { index, backslash: type === 'QUOTE_DOUBLE' }) : index))
}
