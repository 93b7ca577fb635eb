import assert from 'node:assert/strict'
import { test } from 'node:test'
import foreign from '@kafkajs/confluent-schema-registry'
import { celsius, one, record, served, withSite } from './kit.ts'

const { SchemaRegistry, SchemaType } = foreign

test('registry server: @kafkajs/confluent-schema-registry registers, encodes, decodes and evolves through it', async t => {
  const { server, ask } = await served(t, { users: [{ name: 'ann', password: 'pw' }] })
  const basic = { authorization: `Basic ${Buffer.from('ann:pw').toString('base64')}` }
  const make = () => new SchemaRegistry({ host: server.url, auth: { username: 'ann', password: 'pw' }, retry: { retries: 0 } })
  const registry = make()
  const { id } = await registry.register({ type: SchemaType.AVRO, schema: one }, { subject: 'polar-value' })
  assert.deepEqual(await ask('GET', '/config/polar-value', undefined, basic), [200, { compatibilityLevel: 'BACKWARD' }])
  const bytes = await registry.encode(id, { celsius: 4.5 })
  assert.deepEqual([...bytes.subarray(0, 5)], [0, 0, 0, 0, id])
  const reader = make()
  assert.deepEqual({ ...await reader.decode(bytes) }, { celsius: 4.5 })
  const next = await registry.register({ type: SchemaType.AVRO, schema: withSite }, { subject: 'polar-value' })
  assert.deepEqual({ ...await reader.decode(await registry.encode(next.id, { celsius: 1, site: 'x' })) }, { celsius: 1, site: 'x' })
  assert.equal(await reader.getLatestSchemaId('polar-value'), next.id)
  assert.equal(await reader.getRegistryId('polar-value', 1), id)
  assert.equal(await reader.getRegistryIdBySchema('polar-value', { type: SchemaType.AVRO, schema: one }), id)
  await assert.rejects(registry.register({ type: SchemaType.AVRO, schema: record(celsius, { name: 'doors', type: 'int' }) }, { subject: 'polar-value' }), /incompatible/)
  await assert.rejects(reader.getSchema(99), /not found/)
  await assert.rejects(new SchemaRegistry({ host: server.url, retry: { retries: 0 } }).getSchema(1), /Unauthorized/)
})
