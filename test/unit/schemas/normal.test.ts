import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAvro } from '../../../schemas/avro-schema.ts'
import { bundledSchema, normalSchema } from '../../../schemas/normal.ts'
import { subjectName } from '../../../schemas/subject.ts'

const unit = '{"type":"enum","name":"Unit","namespace":"a.b","symbols":["C"]}'

test('normal schema: the same meaning is the same text, whatever the order, names and white space', () => {
  const one = '{"type":"record","name":"R","namespace":"a","doc":"d","fields":[{"name":"u","type":{"type":"enum","name":"U","symbols":["X"]},"default":"X"},{"name":"again","type":["null","U"]},{"name":"n","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"all","type":{"type":"array","items":{"type":"int"}}}]}'
  const other = '{ "fields": [{"default": "X", "type": {"symbols": ["X"], "name": "a.U", "type": "enum"}, "name": "u"}, {"type": ["null", "a.U"], "name": "again"}, {"name": "n", "type": {"logicalType": "timestamp-millis", "type": "long"}}, {"name": "all", "type": {"items": "int", "type": "array"}}], "doc": "d", "name": "a.R", "type": "record" }'
  assert.equal(normalSchema(one), normalSchema(other))
  assert.deepEqual(parseAvro(normalSchema(one)), parseAvro(one))
  assert.equal(normalSchema(normalSchema(one)), normalSchema(one))
  assert.equal(normalSchema('"int"'), normalSchema(' int '))
  assert.equal(normalSchema('{"type":"record","name":"a.R","fields":[{"name":"in","type":{"type":"record","name":"S","namespace":"","fields":[]}}]}'), '{"name":"a.R","type":"record","fields":[{"name":"in","type":{"name":"S","namespace":"","type":"record","fields":[]}}]}')
  assert(normalSchema('{"type":"long","default":9223372036854775807}').includes('9223372036854775807'))
})

test('bundled schema: each type that is referred to is written out once, where it is first named', () => {
  const reading = '{"type":"record","name":"Reading","namespace":"a","fields":[{"name":"u","type":"a.b.Unit"},{"name":"next","type":["null","Reading"]}]}'
  const text = bundledSchema('{"type":"record","name":"Pair","namespace":"c","fields":[{"name":"one","type":"a.Reading"},{"name":"two","type":{"type":"map","values":"a.Reading"}},{"name":"u","type":"a.b.Unit"}]}', [reading, unit])
  const type = parseAvro(text)
  assert(type.kind === 'record' && type.fields[0]!.type.kind === 'record' && type.fields[2]!.type.kind === 'enum')
  assert.equal(text.split('"symbols"').length, 2)
  assert.equal(bundledSchema('"int"', []), '"int"')
  // A type without a namespace stays without one inside one that has.
  const plain = parseAvro(bundledSchema('{"type":"record","name":"a.R","fields":[{"name":"p","type":"P"}]}', ['{"type":"record","name":"P","fields":[{"name":"q","type":{"type":"fixed","name":"Q","size":2}}]}']))
  assert(plain.kind === 'record' && plain.fields[0]!.type.kind === 'record' && plain.fields[0]!.type.fullName === 'P')
  assert.throws(() => parseAvro(bundledSchema('{"type":"record","name":"R","fields":[{"name":"p","type":"Missing"}]}', [unit])), /Missing/)
})

test('subject name: each strategy, and the topic\'s where the schema has no name', () => {
  assert.deepEqual((['TopicNameStrategy', 'RecordNameStrategy', 'TopicRecordNameStrategy'] as const).map(strategy => subjectName(strategy, 'fleet', unit)), ['fleet-value', 'a.b.Unit', 'fleet-a.b.Unit'])
  assert.equal(subjectName('RecordNameStrategy', 'fleet', '"int"'), 'fleet-value')
})
