import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { AvroProblem, parseAvro } from '../../../schemas/avro-schema.ts'
import { conflicts, incompatibilities } from '../../../schemas/compatibility.ts'

interface Vector { readonly name: string, readonly reader: unknown, readonly writer: unknown, readonly verdict: string | readonly string[] }
const vectors = readFileSync(new URL('../../data/avro-compatibility/vectors.jsonl', import.meta.url), 'utf8').trim().split('\n').map(line => JSON.parse(line) as Vector)
const parsed = (json: unknown) => parseAvro(JSON.stringify(json))
const found = ({ reader, writer }: Vector) => incompatibilities({ reader: parsed(reader), writer: parsed(writer) })

test('compatibility: reasons and places are those of Java\'s SchemaCompatibility', () => {
  const counts = { fits: 0, fails: 0, invalid: 0, refused: 0 }
  for (const vector of vectors) {
    const { name, verdict } = vector
    if (verdict === 'invalid') {
      assert.throws(() => found(vector), AvroProblem, name)
      counts.invalid += 1
    } else if (typeof verdict === 'string') {
      assert.notDeepEqual(found(vector), [], name)
      counts.refused += 1
    } else {
      // Java compares an enum that has a default of its own with the writer's record when the field is missing: the same verdict by accident.
      const java = verdict.map(line => found(vector).some(({ kind, pointer }) => kind === 'READER_FIELD_MISSING_DEFAULT_VALUE' && line === `TYPE_MISMATCH ${pointer}/type`) ? line.replace('TYPE_MISMATCH', 'READER_FIELD_MISSING_DEFAULT_VALUE').replace(/\/type$/, '') : line)
      assert.deepEqual(found(vector).map(({ kind, pointer }) => `${kind} ${pointer}`), java, `${name}: ${JSON.stringify(vector)}`)
      counts[verdict.length === 0 ? 'fits' : 'fails'] += 1
    }
  }
  assert(counts.fits > 400 && counts.fails > 400 && counts.invalid > 20 && counts.refused > 50, JSON.stringify(counts))
})

const record = (...fields: readonly object[]) => parsed({ type: 'record', name: 'Reading', fields })
const [a, b, c] = [record({ name: 'celsius', type: 'double' }), record({ name: 'celsius', type: 'double' }, { name: 'site', type: 'string' }), record({ name: 'celsius', type: 'double' }, { name: 'site', type: 'string', default: '' })]

test('compatibility: a level says who reads whom, and how far back', () => {
  const told = (level: Parameters<typeof conflicts>[0], next: typeof a, earlier: readonly (typeof a)[]) => conflicts(level, next, earlier).map(({ against, direction }) => `${against} ${direction}`)
  assert.deepEqual(told('BACKWARD', b, [a]), ['0 backward'])
  assert.deepEqual(told('FORWARD', b, [a]), [])
  assert.deepEqual(told('FORWARD', a, [b]), ['0 forward'])
  assert.deepEqual(told('FULL', a, [b]), ['0 forward'])
  assert.deepEqual(told('FULL', c, [a]), [])
  assert.deepEqual(told('BACKWARD', b, [a, c]), [])
  assert.deepEqual(told('BACKWARD_TRANSITIVE', b, [a, c]), ['0 backward'])
  assert.deepEqual(told('FORWARD_TRANSITIVE', a, [b, c]), ['0 forward'])
  assert.deepEqual(told('FULL_TRANSITIVE', b, [a, b, c]), ['0 backward'])
  assert.deepEqual(told('NONE', parsed('int'), [a, b, c]), [])
  assert.deepEqual(told('FULL', a, []), [])
})

test('compatibility: a message names the field and both sides', () => {
  const sensor = (type: unknown) => record({ name: 'engine', type: { type: 'record', name: 'Engine', fields: [{ name: 'sensors', type: { type: 'array', items: { type: 'record', name: 'Sensor', fields: [{ name: 'celsius', type }] } } }] } })
  assert.deepEqual(incompatibilities({ reader: sensor('float'), writer: sensor('double') }), [{
    kind: 'TYPE_MISMATCH', pointer: '/fields/0/type/fields/0/type/items/fields/0/type', path: 'engine.sensors[].celsius',
    says: 'engine.sensors[].celsius: the reader has float, the writer double',
  }])
})
