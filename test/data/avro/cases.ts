import { writeFileSync } from 'node:fs'
import avsc from 'avsc'
import fc from 'fast-check'
import { evolved, SchemaMaker } from '../../unit/decode/arbitrary.ts'

/** Writes the cases for Vectors.java, one JSON object a line: a writer's schema, a reader's, and a value in Avro's JSON encoding. */
interface Case { readonly name: string, readonly writer: unknown, readonly reader: unknown, readonly value: string }

const record = (name: string, ...fields: readonly unknown[]) => ({ type: 'record', name, fields: [{ name: 'k', type: 'string' }, { name: 't', type: 'long' }, ...fields] })
const pair = (name: string, writer: unknown, reader: unknown, ...values: readonly unknown[]): Case[] => values.map(value => ({ name, writer, reader, value: JSON.stringify({ k: 'a', t: 1, ...value as object }) }))
const field = (name: string, from: unknown, to: unknown, ...values: readonly unknown[]) => pair(name, record('R', { name: 'f', type: from }), record('R', { name: 'f', type: to }), ...values.map(f => ({ f })))

const point = (name: string, ...fields: readonly string[]) => ({ type: 'record', name, fields: fields.map(other => ({ name: other, type: 'int' })) })
const byHand: readonly Case[] = [
  ...field('int to long', 'int', 'long', 5, -5), ...field('int to float', 'int', 'float', 16777217, 3), ...field('int to double', 'int', 'double', 7), ...field('long to float', 'long', 'float', 123456789012), ...field('long to double', 'long', 'double', 9007199254740991),
  ...field('float to double', 'float', 'double', 0.5), ...field('string to bytes', 'string', 'bytes', 'h\u00e9'), ...field('bytes to string', 'bytes', 'string', 'abc'),
  ...field('long to int is refused', 'long', 'int', 5), ...field('double to float is refused', 'double', 'float', 0.5), ...field('string to int is refused', 'string', 'int', 'x'), ...field('boolean to int is refused', 'boolean', 'int', true),
  ...field('int to a union of wider ones', 'int', ['string', 'double', 'long'], 5), ...field('int to a union with int last', 'int', ['double', 'long', 'int'], 5), ...field('long to float or double', 'long', ['float', 'double'], 16777217), ...field('float to a union', 'float', ['long', 'double'], 0.5),
  ...field('string to bytes or null', 'string', ['null', 'bytes'], 'x'), ...field('string to bytes or string', 'string', ['bytes', 'string'], 'x'), ...field('a union to one of its branches', ['null', 'int'], 'int', { int: 3 }, null), ...field('a union to a union in another order', ['null', 'int', 'string'], ['string', 'null', 'long'], { int: 3 }, null, { string: 's' }),
  ...field('a branch that the reader lacks', ['null', 'int', 'string'], ['null', 'int'], { int: 3 }, null, { string: 's' }), ...field('bare to nullable', 'double', ['null', 'double'], 1.5), ...field('null to nullable', 'null', ['null', 'double'], null),
  ...field('enum with a symbol less', { type: 'enum', name: 'E', symbols: ['A', 'B', 'C'] }, { type: 'enum', name: 'E', symbols: ['C', 'A'] }, 'A', 'B', 'C'),
  ...field('enum with a default', { type: 'enum', name: 'E', symbols: ['A', 'B', 'C'] }, { type: 'enum', name: 'E', symbols: ['C', 'A', 'X'], default: 'X' }, 'A', 'B', 'C'),
  ...field('enum of another name', { type: 'enum', name: 'E', symbols: ['A'] }, { type: 'enum', name: 'F', symbols: ['A'] }, 'A'), ...field('enum by alias', { type: 'enum', name: 'E', symbols: ['A'] }, { type: 'enum', name: 'F', aliases: ['E'], symbols: ['A'] }, 'A'),
  ...field('fixed of another size', { type: 'fixed', name: 'X', size: 2 }, { type: 'fixed', name: 'X', size: 3 }, 'ab'), ...field('fixed by alias', { type: 'fixed', name: 'X', size: 2 }, { type: 'fixed', name: 'Y', aliases: ['X'], size: 2 }, 'ab'),
  ...field('records in a union, in another order', [point('A', 'x'), point('B', 'y')], [point('B', 'y'), point('A', 'x')], { A: { x: 1 } }, { B: { y: 2 } }),
  ...field('a record of another name in a union', ['null', point('A', 'x')], ['null', point('B', 'x')], { A: { x: 1 } }, null), ...field('a record by alias in a union', ['null', point('A', 'x')], ['null', { ...point('B', 'x'), aliases: ['A'] }], { A: { x: 1 } }),
  ...field('a record of another name', point('A', 'x', 'y'), point('B', 'y', 'x'), { x: 1, y: 2 }), ...field('array items promoted', { type: 'array', items: 'int' }, { type: 'array', items: ['null', 'double'] }, [1, 2, 3], []), ...field('map values promoted', { type: 'map', values: 'int' }, { type: 'map', values: 'long' }, { a: 1, b: 2 }, {}),
  ...pair('a field by alias', record('R', { name: 'old', type: 'int' }), record('R', { name: 'new', aliases: ['older', 'old'], type: 'long' }), { old: 4 }),
  ...pair('a missing field without default', record('R'), record('R', { name: 'f', type: 'int' }), {}),
  ...pair('defaults of every type', record('R'), record('R', { name: 'n', type: 'null', default: null }, { name: 'b', type: 'boolean', default: true }, { name: 'i', type: 'int', default: -3 }, { name: 'l', type: 'long', default: 9007199254740991 }, { name: 'f', type: 'float', default: 0.1 }, { name: 'd', type: 'double', default: 0.1 },
    { name: 's', type: 'string', default: '\u00e9' }, { name: 'y', type: 'bytes', default: '\u00ff\u0000' }, { name: 'x', type: { type: 'fixed', name: 'X', size: 2 }, default: '\u00fe\u0001' }, { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] }, default: 'B' }, { name: 'a', type: { type: 'array', items: 'int' }, default: [1, 2] },
    { name: 'm', type: { type: 'map', values: 'long' }, default: { a: 1 } }, { name: 'u', type: ['null', 'int'], default: null }, { name: 'v', type: ['int', 'null'], default: 8 }, { name: 'r', type: { type: 'record', name: 'In', fields: [{ name: 'p', type: 'int', default: 5 }, { name: 'q', type: 'string' }] }, default: { q: 'in' } }), {}),
  ...pair('fields reordered and skipped', record('R', { name: 'a', type: { type: 'array', items: 'string' } }, { name: 'm', type: { type: 'map', values: { type: 'array', items: 'double' } } }, { name: 'u', type: ['null', 'string', { type: 'map', values: 'bytes' }] }, { name: 'z', type: 'int' }), record('R', { name: 'z', type: 'int' }), { a: ['x', 'y'], m: { p: [1, 2], q: [] }, u: { map: { a: 'b' } }, z: 6 }, { a: [], m: {}, u: null, z: 7 }),
  ...pair('a record within itself', record('R', { name: 'n', type: ['null', { type: 'record', name: 'N', fields: [{ name: 'v', type: 'int' }, { name: 'next', type: ['null', 'N'] }] }] }), record('R', { name: 'n', type: ['null', { type: 'record', name: 'N', fields: [{ name: 'next', type: ['null', 'N'] }, { name: 'v', type: 'long' }] }] }), { n: { N: { v: 1, next: { N: { v: 2, next: null } } } } }, { n: null }),
  ...pair('names in namespaces', { ...record('R', { name: 'f', type: ['null', { type: 'fixed', name: 'X', size: 1 }] }), namespace: 'a.b' }, { ...record('R', { name: 'f', type: ['null', { type: 'fixed', name: 'X', size: 1 }] }), namespace: 'a.b' }, { f: { 'a.b.X': 'z' } }),
]

function atRandom (count: number): Case[] {
  const cases: Case[] = []
  fc.assert(fc.property(fc.gen(), g => {
    const maker = new SchemaMaker(g, false)
    const writer = maker.record(3, [{ name: 'k', type: 'string' }, { name: 't', type: 'long' }])
    const reader = evolved(g, writer, true)
    const type = avsc.Type.forSchema(writer as unknown as avsc.Schema, { wrapUnions: true })
    for (let i = 0; i < 2; i += 1) cases.push({ name: 'random', writer, reader, value: type.toString(maker.value(writer as never)) })
  }), { numRuns: count, seed: 20260101 })
  return cases
}

writeFileSync(process.argv[2] ?? 'cases.jsonl', [...byHand, ...atRandom(200)].map(one => `${JSON.stringify(one)}\n`).join(''))
