import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TableRow } from '../../../pipelines/core/table.ts'
import { Table } from '../../../pipelines/runtime/tables.ts'
import { batchWith, memoryLog, text, topicSpec } from './kit.ts'

async function tableOf ({ partitions = 1, decode = (value: string) => JSON.parse(value) as TableRow }: { readonly partitions?: number, readonly decode?: (value: string) => TableRow | null } = {}) {
  const { log } = memoryLog()
  await log.createTopic(topicSpec('devices', { partitions, cleanup: 'compact' }))
  const table = new Table({ name: 'devices', topic: 'devices', key: 'device', decode: async value => { await Promise.resolve(); return decode(Buffer.from(value).toString()) } })
  const put = async (key: string, row: object | string | null, partition = 0) => log.append('devices', partition, batchWith(text(key), row === null ? null : text(typeof row === 'string' ? row : JSON.stringify(row))))
  return { log, table, put, keys: () => [...table.keys()].sort() }
}

test('table: the last row of a key counts, and its version grows with every change', async () => {
  const { log, table, put } = await tableOf()
  await table.catchUp(log)
  assert.deepEqual([table.version, table.get('a')], [0, undefined])
  await put('a', { device: 'a', max: 1 })
  await table.catchUp(log)
  const { version } = table
  assert.deepEqual(table.get('a'), { device: 'a', max: 1 })
  await put('a', { device: 'a', max: 2 })
  await table.catchUp(log)
  assert.deepEqual(table.get('a'), { device: 'a', max: 2 })
  assert(table.version > version)
  const now = table.version
  await table.catchUp(log)
  assert.equal(table.version, now)
})

test('table: a tombstone takes the row away, also where the column that holds the key differs from the record\'s key', async () => {
  const { log, table, put, keys } = await tableOf()
  await put('1', { device: 'a' })
  await put('2', { device: 'b' })
  await put('1', null)
  await put('unknown', null)
  await table.catchUp(log)
  assert.deepEqual(keys(), ['b'])
  await put('1', { device: 'a' })
  await put('2', null)
  await table.catchUp(log)
  assert.deepEqual(keys(), ['a'])
})

test('table: a record that comes to stand for another key leaves no row behind', async () => {
  const { log, table, put, keys } = await tableOf()
  await put('1', { device: 'a' })
  await put('1', { device: 'b' })
  await table.catchUp(log)
  assert.deepEqual(keys(), ['b'])
  await put('1', null)
  await table.catchUp(log)
  assert.deepEqual(keys(), [])
})

test('table: where the key\'s column is null the record\'s key stands for it', async () => {
  const { log, table, put, keys } = await tableOf()
  await put('x', { device: null, max: 3 })
  await table.catchUp(log)
  assert.deepEqual(keys(), ['x'])
})

test('table: what is no row is counted and changes nothing', async () => {
  const { log, table, put } = await tableOf({ decode: value => value === 'broken' ? null : JSON.parse(value) as TableRow })
  await put('a', { device: 'a', max: 1 })
  await put('a', 'broken')
  await table.catchUp(log)
  assert.deepEqual([table.get('a'), table.unreadable, table.version], [{ device: 'a', max: 1 }, 1, 1])
})

test('table: every partition is read', async () => {
  const { log, table, put, keys } = await tableOf({ partitions: 3 })
  for (const [partition, key] of ['a', 'b', 'c'].entries()) await put(key, { device: key }, partition)
  await table.catchUp(log)
  assert.deepEqual(keys(), ['a', 'b', 'c'])
})

test('table: two that read at once read every record once', async () => {
  let decoded = 0
  const { log, table, put } = await tableOf({ decode: value => { decoded += 1; return JSON.parse(value) as TableRow } })
  for (let i = 0; i < 20; i += 1) await put(`${i % 4}`, { device: `${i % 4}`, max: i })
  await Promise.all([table.catchUp(log), table.catchUp(log)])
  assert.deepEqual([decoded, table.version, table.get('3')], [20, 20, { device: '3', max: 19 }])
})

test('table: an error in the middle is told once, and reading goes on behind what was taken', async () => {
  let failing = true
  const seen: number[] = []
  const { log, table, put } = await tableOf({ decode: value => {
    const row = JSON.parse(value) as { device: string, max: number }
    if (row.max === 2 && failing) throw new Error('the registry is away')
    seen.push(row.max)
    return row
  } })
  for (const max of [1, 2, 3]) await put('a', { device: 'a', max })
  await assert.rejects(table.catchUp(log), /away/)
  failing = false
  await table.catchUp(log)
  assert.deepEqual(seen, [1, 2, 3])
})
