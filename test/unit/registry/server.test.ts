import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { SchemaCatalogue } from '../../../connectors/registry/catalogue.ts'
import { logStore } from '../../../connectors/registry/log-store.ts'
import { memoryStore } from '../../../connectors/registry/store.ts'
import { records } from '../../../pipelines/core/record-batch.ts'
import { ManualClock } from '../../kit/clock.ts'
import { MemoryLog } from '../../kit/memory-log.ts'
import { logFor } from '../embedded/log-kit.ts'
import { machineClock } from '../../../connectors/embedded/clock.ts'
import { schemaGuid } from '../../../schemas/guid.ts'
import { celsius, needsSite, one, record, refusal, served, site, withReferences, withSite } from './kit.ts'

test('registry server: ids count from 1, the same schema has one id under every subject, versions count within a subject', async t => {
  const { ask } = await served(t)
  assert.deepEqual(await ask('GET', '/'), [200, {}])
  assert.deepEqual(await ask('GET', '/subjects'), [200, []])
  assert.deepEqual(await ask('POST', '/subjects/polar-value/versions', { schema: one }), [200, { id: 1 }])
  assert.deepEqual(await ask('POST', '/subjects/polar-value/versions', { schema: JSON.stringify(JSON.parse(one), null, 4) }), [200, { id: 1 }])
  assert.deepEqual(await ask('POST', '/subjects/polar-value/versions', { schema: withSite, schemaType: 'AVRO' }), [200, { id: 2 }])
  assert.deepEqual(await ask('POST', '/subjects/arktis%2Fvalue/versions', { schema: withSite }), [200, { id: 2 }])
  assert.deepEqual(await ask('GET', '/subjects'), [200, ['arktis/value', 'polar-value']])
  assert.deepEqual(await ask('GET', '/subjects?subjectPrefix=po'), [200, ['polar-value']])
  assert.deepEqual(await ask('GET', '/subjects/polar-value/versions'), [200, [1, 2]])
  assert.deepEqual(await ask('GET', '/subjects/polar-value/versions/latest'), [200, { subject: 'polar-value', id: 2, version: 2, guid: schemaGuid(withSite), schema: withSite }])
  assert.deepEqual(await ask('GET', '/subjects/polar-value/versions/1/schema'), [200, JSON.parse(one)])
  assert.deepEqual(await ask('GET', '/subjects/polar-value/versions/1/referencedby'), [200, []])
  assert.deepEqual(await ask('POST', '/subjects/polar-value', { schema: one }), [200, { subject: 'polar-value', id: 1, version: 1, guid: schemaGuid(one), schema: one }])
  assert.deepEqual(await ask('GET', '/schemas/ids/2'), [200, { schema: withSite, guid: schemaGuid(withSite) }])
  assert.deepEqual(await ask('GET', '/schemas/ids/1/schema'), [200, JSON.parse(one)])
  assert.deepEqual(await ask('GET', '/schemas/ids/2/subjects'), [200, ['arktis/value', 'polar-value']])
  assert.deepEqual(await ask('GET', '/schemas/ids/2/versions'), [200, [{ subject: 'arktis/value', version: 1 }, { subject: 'polar-value', version: 2 }]])
  assert.deepEqual(await ask('GET', '/schemas/types'), [200, ['AVRO']])
  assert.deepEqual(await ask('GET', '/contexts'), [200, ['.']])
  assert.deepEqual(await ask('GET', `/schemas/guids/${schemaGuid(one)}`), [200, { schema: one, guid: schemaGuid(one) }])
  assert.deepEqual(await ask('GET', `/schemas/guids/${schemaGuid(one).toUpperCase()}/ids`), [200, [{ context: '.', id: 1 }]])
  assert.deepEqual(((await ask('GET', '/schemas?latestOnly=true&subjectPrefix=polar'))[1] as { readonly version: number }[]).map(({ version }) => version), [2])
})

test('registry server: a default beyond 2^53 and escapes stay as they were written', async t => {
  const { ask } = await served(t)
  const text = '{"type":"record","name":"R","fields":[{"name":"n","type":"long","default":9223372036854775807,"doc":"a \\" b"}]}'
  await ask('POST', '/subjects/s/versions', { schema: text.replaceAll(',', ' ,\n ') })
  assert.deepEqual(await ask('GET', '/schemas/ids/1'), [200, { schema: text, guid: schemaGuid(text) }])
})

test('registry server: what is not there, not Avro or not allowed is refused by Confluent\'s codes', async t => {
  const { ask } = await served(t)
  await ask('POST', '/subjects/s/versions', { schema: one })
  const cases: readonly (readonly [number, string, string, unknown?])[] = [
    [40401, 'GET', '/subjects/none/versions'], [40401, 'POST', '/subjects/none', { schema: one }], [40402, 'GET', '/subjects/s/versions/2'], [40403, 'GET', '/schemas/ids/9'], [40403, 'POST', '/subjects/s', { schema: withSite }], [40403, 'GET', '/schemas/guids/00000000-0000-0000-0000-000000000000'],
    [42202, 'GET', '/subjects/s/versions/0'], [42202, 'GET', '/subjects/s/versions/x'], [42202, 'GET', '/subjects/s/versions/2147483648'], [40408, 'GET', '/config/s'], [40409, 'GET', '/mode/s'], [42203, 'PUT', '/config', { compatibility: 'SOME' }], [42204, 'PUT', '/mode', { mode: 'SOME' }],
    [42201, 'POST', '/subjects/s/versions', { schema: '{' }], [42201, 'POST', '/subjects/s/versions', { schema: '{"type":"record","name":"R"}' }], [42201, 'POST', '/subjects/s/versions', {}], [42201, 'POST', '/subjects/s/versions', { schema: '"Unknown"' }],
    [42201, 'POST', '/subjects/s/versions', { schema: one, schemaType: 'PROTOBUF' }], [42201, 'POST', '/subjects/s/versions', { schema: one, references: [{ name: 'a', subject: 'b', version: 1 }] }], [42201, 'POST', '/subjects/s/versions', { schema: one, references: [{ name: 'a' }] }], [42208, 'POST', '/subjects/:.other:s/versions', { schema: one }],
    [404, 'GET', '/nothing'], [404, 'GET', '/schemas/ids/x'], [405, 'DELETE', '/subjects'], [400, 'POST', '/subjects/s/versions', 'no json'], [400, 'GET', '/subjects/%E0%A4%A/versions'], [42205, 'POST', '/subjects/s/versions', { schema: withSite, id: 7 }],
  ]
  for (const [code, method, path, body] of cases) assert(refusal(code)(await ask(method, path, body)), `${code} ${method} ${path}: ${JSON.stringify(await ask(method, path, body))}`)
  assert(refusal(415)(await ask('POST', '/subjects/s/versions', { schema: one }, { 'content-type': 'text/plain' })))
  assert(refusal(413)(await ask('POST', '/subjects/s/versions', { schema: ' '.repeat(1 << 21) })))
  assert.deepEqual(await ask('GET', '/subjects/s/versions'), [200, [1]])
})

test('registry server: a body without a length is refused once it is too long', async t => {
  const { server } = await served(t, { bodyBytesMax: 1000 })
  const status = await new Promise(resolve => {
    const call = request(`${server.url}/subjects/s/versions`, { method: 'POST' }, response => { resolve(response.statusCode); call.destroy() })
    call.on('error', () => {})
    for (let i = 0; i < 100; i += 1) call.write(' '.repeat(100))
  })
  assert.equal(status, 413)
})

test('registry server: the level decides what may follow, and the compatibility endpoint says why not', async t => {
  const { ask } = await served(t)
  await ask('POST', '/subjects/s/versions', { schema: one })
  assert.deepEqual(await ask('GET', '/config'), [200, { compatibilityLevel: 'BACKWARD' }])
  const answer = await ask('POST', '/subjects/s/versions', { schema: needsSite })
  assert(refusal(409)(answer) && /site/.test(JSON.stringify(answer)), JSON.stringify(answer))
  assert.deepEqual(await ask('POST', '/compatibility/subjects/s/versions/latest', { schema: needsSite }), [200, { is_compatible: false }])
  assert.deepEqual(await ask('POST', '/compatibility/subjects/s/versions/1?verbose=true', { schema: needsSite }), [200, { is_compatible: false, messages: ['READER_FIELD_MISSING_DEFAULT_VALUE: site: the reader has the field without a default, and the writer lacks it (backward)'] }])
  assert.deepEqual(await ask('POST', '/compatibility/subjects/s/versions', { schema: withSite }), [200, { is_compatible: true }])
  assert.deepEqual(await ask('POST', '/compatibility/subjects/new/versions', { schema: withSite }), [200, { is_compatible: true }])
  assert(refusal(40401)(await ask('POST', '/compatibility/subjects/new/versions/latest', { schema: withSite })))
  assert.deepEqual(await ask('PUT', '/config/s', { compatibility: 'forward' }), [200, { compatibility: 'FORWARD' }])
  assert.deepEqual(await ask('POST', '/subjects/s/versions', { schema: needsSite }), [200, { id: 2 }])
  assert(refusal(409)(await ask('POST', '/subjects/s/versions', { schema: record(site) })))
  assert.deepEqual(await ask('GET', '/config/other?defaultToGlobal=true'), [200, { compatibilityLevel: 'BACKWARD' }])
  assert.deepEqual(await ask('DELETE', '/config/s'), [200, { compatibilityLevel: 'FORWARD' }])
  assert.deepEqual(await ask('PUT', '/config', { compatibility: 'NONE' }), [200, { compatibility: 'NONE' }])
  assert.deepEqual(await ask('POST', '/subjects/s/versions', { schema: '"string"' }), [200, { id: 3 }])
})

test('registry server: soft deletion hides, permanent deletion forgets, and an id is never given twice', async t => {
  const { ask } = await served(t)
  await ask('PUT', '/config', { compatibility: 'NONE' })
  for (const schema of [one, withSite, needsSite]) await ask('POST', '/subjects/s/versions', { schema })
  assert(refusal(40407)(await ask('DELETE', '/subjects/s/versions/2?permanent=true')))
  assert.deepEqual(await ask('DELETE', '/subjects/s/versions/2'), [200, 2])
  assert(refusal(40406)(await ask('DELETE', '/subjects/s/versions/2')))
  assert.deepEqual(await ask('GET', '/subjects/s/versions'), [200, [1, 3]])
  assert.deepEqual(await ask('GET', '/subjects/s/versions?deleted=true'), [200, [1, 2, 3]])
  assert.deepEqual(await ask('GET', '/schemas/ids/2'), [200, { schema: withSite, guid: schemaGuid(withSite) }])
  assert.deepEqual(await ask('POST', '/subjects/s/versions', { schema: withSite }), [200, { id: 2 }])
  assert.deepEqual(await ask('GET', '/subjects/s/versions'), [200, [1, 3, 4]])
  assert(refusal(40405)(await ask('DELETE', '/subjects/s?permanent=true')))
  assert.deepEqual(await ask('DELETE', '/subjects/s'), [200, [1, 3, 4]])
  assert(refusal(40404)(await ask('DELETE', '/subjects/s')))
  assert.deepEqual(await ask('GET', '/subjects'), [200, []])
  assert.deepEqual(await ask('GET', '/subjects?deleted=true'), [200, ['s']])
  assert.deepEqual(await ask('DELETE', '/subjects/s?permanent=true'), [200, [1, 2, 3, 4]])
  assert(refusal(40403)(await ask('GET', '/schemas/ids/2')))
  assert(refusal(40401)(await ask('DELETE', '/subjects/s')))
  assert.deepEqual(await ask('POST', '/subjects/s/versions', { schema: one }), [200, { id: 4 }])
  assert.deepEqual(await ask('GET', '/subjects/s/versions'), [200, [1]])
})

test('registry server: READONLY keeps everything, IMPORT takes ids of another registry', async t => {
  const { ask } = await served(t)
  assert.deepEqual(await ask('PUT', '/mode/copy', { mode: 'IMPORT' }), [200, { mode: 'IMPORT' }])
  assert.deepEqual(await ask('POST', '/subjects/copy/versions', { schema: one, id: 70, version: 5 }), [200, { id: 70 }])
  assert(refusal(42205)(await ask('POST', '/subjects/copy/versions', { schema: withSite, id: 70, version: 6 })))
  assert(refusal(42205)(await ask('POST', '/subjects/copy/versions', { schema: withSite, id: 71, version: 5 })))
  assert.deepEqual(await ask('DELETE', '/mode/copy'), [200, { mode: 'IMPORT' }])
  assert.deepEqual(await ask('POST', '/subjects/copy/versions', { schema: withSite }), [200, { id: 71 }])
  assert.deepEqual(await ask('GET', '/subjects/copy/versions'), [200, [5, 6]])
  assert(refusal(42205)(await ask('PUT', '/mode', { mode: 'IMPORT' })))
  assert.deepEqual(await ask('PUT', '/mode', { mode: 'readonly' }), [200, { mode: 'READONLY' }])
  assert.deepEqual(await ask('GET', '/mode/copy?defaultToGlobal=true'), [200, { mode: 'READONLY' }])
  for (const [method, path, body] of [['POST', '/subjects/copy/versions', { schema: needsSite }], ['DELETE', '/subjects/copy'], ['DELETE', '/subjects/copy/versions/5']] as const) assert(refusal(42205)(await ask(method, path, body)), path)
})

test('registry server: references are kept, resolved, counted as part of the schema, and hold what they refer to', async t => {
  const { catalogue, ask } = await served(t)
  const { references, schema } = await withReferences(catalogue)
  assert.deepEqual(await ask('POST', '/subjects/order/versions', { schema, references }), [200, { id: 3 }])
  assert(refusal(42201)(await ask('POST', '/subjects/order/versions', { schema })), 'without them it names types that are not there')
  assert.deepEqual(await ask('GET', '/schemas/ids/3'), [200, { schema, references, guid: schemaGuid(schema, references) }])
  assert.deepEqual((await ask('POST', '/subjects/order', { schema, references }))[0], 200)
  assert.deepEqual(await ask('GET', '/subjects/unit/versions/1/referencedby'), [200, [2, 3]])
  assert.deepEqual(await ask('GET', '/subjects/reading/versions/latest/referencedby'), [200, [3]])
  for (const path of ['/subjects/unit/versions/1', '/subjects/reading', '/subjects/unit']) assert(refusal(42206)(await ask('DELETE', path)), path)
  const next = JSON.stringify({ ...JSON.parse(schema), fields: [...JSON.parse(schema).fields, { name: 'more', type: 'fleet.Reading' }] })
  const [status, body] = await ask('POST', '/compatibility/subjects/order/versions?verbose=true', { schema: next, references })
  assert(status === 200 && /more/.test(JSON.stringify(body)), JSON.stringify(body))
  for (const subject of ['order', 'reading', 'unit']) assert.equal((await ask('DELETE', `/subjects/${subject}`))[0], 200, subject)
})

test('registry server: normalize takes two ways of writing a schema for one', async t => {
  const { ask } = await served(t)
  const tidy = '{"type":"record","name":"fleet.R","fields":[{"name":"n","type":"long","default":9223372036854775807},{"name":"r","type":["null","fleet.R"],"default":null}]}'
  const odd = '{"namespace": "fleet", "fields": [{"default": 9223372036854775807, "type": {"type": "long"}, "name": "n"}, {"type": ["null", "R"], "default": null, "name": "r"}], "name": "R", "type": "record"}'
  assert.deepEqual(await ask('POST', '/subjects/s/versions?normalize=true', { schema: tidy }), [200, { id: 1 }])
  assert.deepEqual(await ask('POST', '/subjects/s/versions?normalize=true', { schema: odd }), [200, { id: 1 }])
  assert.equal(((await ask('POST', '/subjects/s?normalize=true', { schema: odd }))[1] as { readonly version: number }).version, 1)
  assert(refusal(40403)(await ask('POST', '/subjects/s', { schema: odd })))
  assert.deepEqual(await ask('POST', '/subjects/s/versions', { schema: odd }), [200, { id: 2 }])
})

test('registry server: users come in by name and password, and others do not', async t => {
  const { ask } = await served(t, { users: [{ name: 'ann', password: 'p:w' }] })
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  assert(refusal(401)(await ask('GET', '/subjects')))
  for (const wrong of ['ann:p', 'ann', '', 'bob:p:w']) assert(refusal(401)(await ask('GET', '/subjects', undefined, basic(wrong))), wrong)
  assert.deepEqual(await ask('GET', '/subjects', undefined, basic('ann:p:w')), [200, []])
})

test('registry server: registrations of one moment get distinct ids and versions', async t => {
  const { ask } = await served(t)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask('POST', '/subjects/s/versions', { schema: record(celsius, { name: `f${n % 10}`, type: 'int', default: 0 }) })))
  assert.deepEqual(answers.map(([, body]) => (body as { readonly id: number }).id).sort((a, b) => a - b), Array.from({ length: 20 }, (_, n) => Math.floor(n / 2) + 1))
  assert.deepEqual(await ask('GET', '/subjects/s/versions'), [200, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])
})

/** Everything that can be asked of a catalogue. */
const state = (catalogue: SchemaCatalogue) => ({ all: catalogue.all({ deleted: true }), level: catalogue.level('a'), mode: catalogue.mode('b'), global: catalogue.level(null) })

async function lived (catalogue: SchemaCatalogue): Promise<void> {
  await catalogue.register({ subject: 'a', schema: one })
  await catalogue.register({ subject: 'a', schema: withSite })
  await catalogue.register({ subject: 'b', schema: withSite })
  await catalogue.setLevel(null, 'FULL')
  await catalogue.setLevel('a', 'NONE')
  await catalogue.setLevel(null, null)
  await catalogue.deleteVersion('a', 1)
  await catalogue.register({ subject: 'c', schema: '"int"' })
  await catalogue.deleteSubject('c')
  await catalogue.deleteSubject('c', { permanent: true })
  const { schema, references } = await withReferences(catalogue)
  await catalogue.register({ subject: 'd', schema, references })
  await catalogue.setMode('b', 'READONLY')
}

for (const [name, logOf] of [['memory', async () => new MemoryLog({ clock: new ManualClock() })], ['embedded', (t: Parameters<typeof logFor>[0]) => logFor(t)]] as const) {
  test(`registry store: a catalogue comes back from a log as it was (${name})`, async t => {
    const log = await logOf(t)
    const store = () => logStore({ log, clock: machineClock })
    const catalogue = await SchemaCatalogue.open(store())
    await lived(catalogue)
    const again = await SchemaCatalogue.open(store())
    assert.deepEqual(state(again), state(catalogue))
    assert.equal(await again.register({ subject: 'c', schema: '"long"' }), 7)
  })
}

test('registry store: a deletion is one step of the log, and what the log refuses is not seen', async () => {
  let failing = false
  const log = new MemoryLog({ clock: new ManualClock(), at: point => { if (failing && point === 'append:before') throw new Error('disk full') } })
  const catalogue = await SchemaCatalogue.open(logStore({ log, clock: machineClock }))
  await lived(catalogue)
  const { bytes } = await log.fetch({ topic: '_schemas', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
  assert.equal([...records(bytes)].length, 15)
  const before = state(catalogue)
  failing = true
  await assert.rejects(catalogue.register({ subject: 'e', schema: one }), /disk full/)
  await assert.rejects(catalogue.deleteSubject('a'), /disk full/)
  assert.deepEqual(state(catalogue), before)
  failing = false
  assert.equal(await catalogue.register({ subject: 'e', schema: one }), 1)
})

test('registry store: what memory keeps is gone with it', async () => {
  const store = memoryStore()
  await lived(await SchemaCatalogue.open(store))
  assert.deepEqual((await SchemaCatalogue.open(memoryStore())).subjects(), [])
  assert.deepEqual((await SchemaCatalogue.open(store)).subjects(), ['a', 'b', 'd', 'reading', 'unit'])
})
