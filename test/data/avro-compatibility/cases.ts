import { writeFileSync } from 'node:fs'

/** Writes pairs of schemas for Verdicts.java, one JSON object a line: by hand where a rule begins and ends, and at random with few names, so that names meet. */
interface Pair { readonly name: string, readonly reader: unknown, readonly writer: unknown }

const record = (...fields: readonly unknown[]) => ({ type: 'record', name: 'R', fields })
const both = (name: string, a: unknown, b: unknown): Pair[] => [{ name, reader: a, writer: b }, { name: `${name}, the other way`, reader: b, writer: a }]
const field = (name: string, a: unknown, b: unknown) => both(name, record({ name: 'f', type: a }), record({ name: 'f', type: b }))
const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
const letters = (...symbols: readonly string[]) => ({ type: 'enum', name: 'E', symbols })
const fixed = (size: number, more: object = {}) => ({ type: 'fixed', name: 'X', size, ...more })
const list = (more: object = {}, ...fields: readonly unknown[]) => ({ type: 'record', name: 'List', ...more, fields: [{ name: 'value', type: 'int' }, { name: 'next', type: ['null', 'List'] }, ...fields] })

const byHand: readonly Pair[] = [
  ...primitives.flatMap(a => primitives.map(b => ({ name: `${a} from ${b}`, reader: a, writer: b }))),
  ...primitives.flatMap(a => both(`${a} and nullable`, ['null', a].slice(a === 'null' ? 1 : 0), a)),
  ...field('a union and one of its branches', ['null', 'int'], 'int'), ...field('unions in another order', ['null', 'int', 'string'], ['string', 'null', 'int']), ...field('promotion into a union', ['string', 'double'], 'int'), ...field('unions with promotion', ['null', 'double'], ['null', 'int']),
  ...field('a branch more', ['null', 'int'], ['null', 'int', 'boolean']), ...field('a symbol more', letters('A', 'B'), letters('A')), ...field('a default symbol', { ...letters('A'), default: 'A' }, letters('A', 'B')), ...field('another enum', letters('A'), { ...letters('A'), name: 'F' }),
  ...field('an enum by alias', { ...letters('A'), name: 'F', aliases: ['E'] }, letters('A')), ...field('an enum by full alias', { ...letters('A'), name: 'F', namespace: 'n', aliases: ['m.E'] }, { ...letters('A'), namespace: 'm' }), ...field('namespaces differ', { ...letters('A'), namespace: 'n' }, { ...letters('A'), namespace: 'm' }),
  ...field('fixed of another size', fixed(2), fixed(3)), ...field('fixed of another name', fixed(2), fixed(2, { name: 'Y' })), ...field('fixed by alias', fixed(2, { name: 'Y', aliases: ['X'] }), fixed(2)), ...field('fixed and bytes', fixed(2), 'bytes'),
  ...field('items promoted', { type: 'array', items: 'long' }, { type: 'array', items: 'int' }), ...field('values promoted', { type: 'map', values: 'long' }, { type: 'map', values: 'int' }), ...field('array and map', { type: 'array', items: 'int' }, { type: 'map', values: 'int' }), ...field('items of unions', { type: 'array', items: ['null', 'int'] }, { type: 'array', items: 'int' }),
  ...both('a field more', record({ name: 'a', type: 'int' }), record()), ...both('a field more with default', record({ name: 'a', type: 'int', default: 0 }), record()), ...both('a nullable field more, no default', record({ name: 'a', type: ['null', 'int'] }), record()), ...both('a nullable field more', record({ name: 'a', type: ['null', 'int'], default: null }), record()),
  ...both('an enum field more with its own default', record({ name: 'a', type: { ...letters('A'), default: 'A' } }), record()), ...both('a field renamed', record({ name: 'a', type: 'int' }), record({ name: 'b', type: 'int' })), ...both('a field renamed by alias', record({ name: 'a', aliases: ['b'], type: 'int' }), record({ name: 'b', type: 'int' })),
  ...both('a name and an alias', record({ name: 'a', aliases: ['b'], type: 'int' }), record({ name: 'a', type: 'int' }, { name: 'b', type: 'string' })), ...both('fields in another order', record({ name: 'a', type: 'int' }, { name: 'b', type: 'string' }), record({ name: 'b', type: 'string' }, { name: 'a', type: 'int' })),
  ...both('several reasons', record({ name: 'a', type: 'int' }, { name: 'b', type: 'string' }, { name: 'c', type: letters('A') }), record({ name: 'a', type: 'string' }, { name: 'c', type: letters('A', 'B') })), ...both('another record', record(), { ...record(), name: 'S' }), ...both('a record by alias', { ...record(), name: 'S', aliases: ['R'] }, record()),
  ...both('a list', list(), list()), ...both('a list with a field more', list({}, { name: 'x', type: 'int' }), list()), ...both('a list with a default more', list({}, { name: 'x', type: 'int', default: 1 }), list()), ...both('a list of wider values', { ...list(), fields: [{ name: 'value', type: 'long' }, { name: 'next', type: ['null', 'List'] }] }, list()),
  ...both('logical types', { type: 'long', logicalType: 'timestamp-millis' }, { type: 'long', logicalType: 'timestamp-micros' }), ...both('decimals of another scale', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 1 }),
]

/** A small generator of numbers, the same for ever. */
function numbers (seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const below = numbers(20260201)
const pick = <T>(items: readonly T[]): T => items[below(items.length)]!
const simple: readonly unknown[] = [...primitives, 'int', 'long', 'string']
const defaults: Readonly<Record<string, unknown>> = { null: null, boolean: true, int: 1, long: 2, float: 0.5, double: 0.25, bytes: 'b', string: 's' }

function type (depth: number, open: readonly string[], made: Set<string>): unknown {
  const roll = below(depth > 0 ? 14 : 6)
  if (roll < 5) return pick(simple)
  if (roll === 5) return open.length > 0 && below(2) === 0 ? pick(open) : named(pick(['E', 'F']), made, name => ({ type: 'enum', name, ...aliases(['E', 'F']), symbols: ['A', 'B', 'C'].slice(0, 1 + below(3)), ...below(3) === 0 ? { default: 'A' } : {} }))
  if (roll === 6) return named(pick(['X', 'Y']), made, name => ({ type: 'fixed', name, ...aliases(['X', 'Y']), size: 1 + below(2) }))
  if (roll === 7) return { type: 'array', items: type(depth - 1, open, made) }
  if (roll === 8) return { type: 'map', values: type(depth - 1, open, made) }
  if (roll < 12) return union(depth - 1, open, made)
  return named(pick(['P', 'Q', 'S']), made, name => ({ type: 'record', name, ...aliases(['P', 'Q', 'S']), fields: fields(depth - 1, [...open, name], made) }))
}

const aliases = (names: readonly string[]) => below(4) === 0 ? { aliases: [pick(names)] } : {}

function named (name: string, made: Set<string>, make: (name: string) => unknown): unknown {
  if (made.has(name)) return name
  made.add(name)
  return make(name)
}

function union (depth: number, open: readonly string[], made: Set<string>): unknown {
  const branches: unknown[] = []
  const kinds = new Set<unknown>()
  for (let i = 1 + below(3); i > 0; i -= 1) {
    const branch = type(depth, open, made)
    const kind = typeof branch === 'object' && branch !== null ? (branch as { readonly name?: string, readonly type: string }).name ?? (branch as { readonly type: string }).type : branch
    if (Array.isArray(branch) || kinds.has(kind)) continue
    kinds.add(kind)
    branches.push(branch)
  }
  return branches.length === 0 ? 'int' : branches
}

function fields (depth: number, open: readonly string[], made: Set<string>): unknown[] {
  return ['a', 'b', 'c', 'd'].filter(() => below(3) > 0).map(name => {
    const of = type(depth, open, made)
    const otherwise = typeof of === 'string' && of in defaults && below(2) === 0 ? { default: defaults[of] } : {}
    return { name, type: of, ...otherwise, ...below(14) === 0 ? { aliases: [pick(['a', 'b', 'c', 'd'].filter(other => other !== name))] } : {} }
  })
}

/** The same schema a little later in its life. */
function changed (node: unknown): unknown {
  if (typeof node === 'string') return below(6) === 0 && defaults[node] !== undefined ? pick(simple) : node
  if (Array.isArray(node)) return node.filter((_, index) => index === 0 || below(6) > 0).map(changed).filter((branch, index, all) => typeof branch !== 'string' || all.indexOf(branch) === index)
  if (typeof node !== 'object' || node === null) return node
  const { fields: parts, symbols, ...rest } = node as { readonly fields?: readonly object[], readonly symbols?: readonly string[], readonly [name: string]: unknown }
  const result: Record<string, unknown> = { ...rest }
  for (const inner of ['type', 'items', 'values']) if (typeof result[inner] === 'object' || (inner !== 'type' && inner in result) || ('default' in rest === false && inner === 'type' && primitives.includes(result.type as 'int'))) result[inner] = changed(result[inner])
  if (symbols !== undefined) result.symbols = below(4) === 0 ? ['A', 'B', 'C'].slice(0, 1 + below(3)) : symbols
  if (typeof result.size === 'number' && below(6) === 0) result.size = 3
  if (parts !== undefined) result.fields = parts.filter(() => below(6) > 0).map(changed)
  return result
}

const random: readonly Pair[] = Array.from({ length: 900 }, (_, index) => {
  const fresh = () => ({ type: 'record', name: 'R', fields: fields(3, ['R'], new Set(['R'])) })
  const writer = fresh()
  return { name: `random ${index}`, reader: index % 4 === 0 ? fresh() : changed(writer), writer }
})

writeFileSync(process.argv[2] ?? 'cases.jsonl', [...byHand, ...random].map(one => `${JSON.stringify(one)}\n`).join(''))
