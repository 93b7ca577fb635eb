import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embeddedRegistry } from '../../../connectors/embedded/registry.ts'
import { fails } from '../../contract/log.ts'
import { folderFor, logFor } from './log-kit.ts'

const record = (field: string) => JSON.stringify({ type: 'record', name: 'Reading', fields: [{ name: field, type: 'double' }] })

test('embedded registry: ids count from 1, the same schema has the same id, subjects have versions', async t => {
  const folder = folderFor(t)
  const log = await logFor(t, { folder })
  const registry = embeddedRegistry(log)
  assert.equal(await registry.register('polar-value', record('a')), 1)
  assert.equal(await registry.register('polar-value', JSON.stringify(JSON.parse(record('a')), null, 2)), 1)
  assert.equal(await registry.register('polar-value', record('b')), 2)
  assert.equal(await registry.register('arktis-value', record('b')), 2)
  assert.equal(await registry.byId(1), record('a'))
  assert.equal(await registry.byId(3), null)
  assert.deepEqual(await registry.latest('polar-value'), { id: 2, version: 2, schema: record('b') })
  assert.deepEqual(await registry.version('polar-value', 1), { id: 1, version: 1, schema: record('a') })
  assert.equal(await registry.version('polar-value', 3), null)
  assert.equal(await registry.latest('nothing'), null)
  assert.deepEqual(await registry.subjects(), ['arktis-value', 'polar-value'])
  await log.close()
  const again = embeddedRegistry(await logFor(t, { folder }))
  assert.equal(await again.register('new', record('c')), 3)
})

test('embedded registry: registrations of one moment get distinct ids', async t => {
  const registry = embeddedRegistry(await logFor(t))
  const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => registry.register('s', record(`f${n % 10}`))))
  assert.deepEqual(ids, Array.from({ length: 20 }, (_, n) => n % 10 + 1))
  assert.equal((await registry.latest('s'))?.version, 10)
})

test('embedded registry: what is not Avro JSON is refused', async t => {
  const registry = embeddedRegistry(await logFor(t))
  for (const text of ['', '{', '7', 'null', '{"name": "x"}']) await assert.rejects(registry.register('s', text), fails('REGISTRY_SCHEMA'), text)
  assert.equal(await registry.register('s', '"string"'), 1)
})
