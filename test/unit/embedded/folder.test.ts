import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync, statSync, openSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '../../../connectors/embedded/store.ts'
import { batchOf, fails } from '../../contract/log.ts'
import { everything, folderFor, logFor, textOf, topic } from './log-kit.ts'

test('embedded log: what was written is there after closing and opening again', async t => {
  const folder = folderFor(t)
  const first = await logFor(t, { folder })
  await first.createTopic(topic('in', { partitions: 2 }))
  await first.append('in', 1, batchOf(['a', 'b']))
  const member = await first.join({ group: 'g', member: 'm', topics: ['in'] })
  await member.commit({ appends: [], offsets: [{ topic: 'in', partition: 1, offset: 1, metadata: 'x' }] })
  await first.close()
  await assert.rejects(member.commit({ appends: [], offsets: [] }), fails('LOG_CLOSED'))
  const second = await logFor(t, { folder })
  assert.deepEqual((await everything(second, 'in', 1)).map(textOf), ['a', 'b'])
  assert.deepEqual(await second.committed('g', 'in', 1), { offset: 1, metadata: 'x' })
  assert.deepEqual(await second.append('in', 1, batchOf(['c'])), { baseOffset: 2 })
})

test('embedded log: the same folder twice in one process is refused', async t => {
  const folder = folderFor(t)
  const first = await logFor(t, { folder })
  await first.createTopic(topic('in'))
  await assert.rejects(logFor(t, { folder }), fails('LOG_LOCKED'))
  await assert.rejects(logFor(t, { folder, readOnly: true }), fails('LOG_LOCKED'))
  await first.append('in', 0, batchOf(['still works']))
})

test('embedded log: several readers of one process share a folder', async t => {
  const folder = folderFor(t)
  const writer = await logFor(t, { folder })
  await writer.createTopic(topic('in'))
  await writer.append('in', 0, batchOf(['a']))
  await writer.close()
  const one = await logFor(t, { folder, readOnly: true })
  const two = await logFor(t, { folder, readOnly: true })
  await one.close()
  assert.deepEqual((await everything(two, 'in')).map(textOf), ['a'])
  await assert.rejects(two.createTopic(topic('other')), fails('LOG_READ_ONLY'))
})

test('embedded log: a process that lost the folder while it slept writes nothing more', async t => {
  const folder = folderFor(t)
  const log = await logFor(t, { folder })
  await log.createTopic(topic('in'))
  // As another process would that takes this one for dead.
  log.store.env.transactionSync(() => { log.store.owner.putSync('owner', { pid: 1, host: 'other', since: 0, born: null }, 99) })
  await assert.rejects(log.append('in', 0, batchOf(['late'])), fails('LOG_FENCED'))
  assert.deepEqual(await log.range('in', 0), { start: 0, end: 0 })
})

test('embedded log: the hold of a dead process, of a reused pid and of a silent machine is taken over', async t => {
  const folder = folderFor(t)
  for (const holder of [{ pid: 2 ** 22 + 1, host: null, born: null }, { pid: process.pid, host: null, born: '1' }, { pid: 1, host: 'another-machine', born: null }]) {
    const store = openStore(folder, { readOnly: false })
    const { hostname } = await import('node:os')
    store.env.transactionSync(() => {
      store.owner.putSync('owner', { ...holder, host: holder.host ?? hostname(), since: 0 }, 7)
      store.owner.putSync('beat', Date.now() - 60_000, 7)
    })
    await store.env.close()
    const log = await logFor(t, { folder })
    await log.createTopic(topic('in'))
    await log.close()
  }
})

test('embedded log: a folder of something else is refused and left as it is', async t => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'holiday.jpg'), 'pixels')
  await assert.rejects(logFor(t, { folder }), fails('LOG_FOREIGN'))
  const other = folderFor(t)
  writeFileSync(join(other, 'data.mdb'), Buffer.alloc(20_000, 'text '))
  await assert.rejects(logFor(t, { folder: other }), fails('LOG_FOREIGN'))
  assert.equal(readFileSync(join(other, 'data.mdb'), 'latin1').slice(0, 5), 'text ')
})

test('embedded log: reading where there is no log says so', async t => {
  await assert.rejects(logFor(t, { folder: join(folderFor(t), 'nowhere'), readOnly: true }), fails('LOG_ABSENT'))
})

test('embedded log: a folder of another format version is refused', async t => {
  const folder = folderFor(t)
  const store = openStore(folder, { readOnly: false })
  store.env.transactionSync(() => { void store.meta.put('format', { magic: 'millrace-log', version: 2 }) })
  await store.env.close()
  await assert.rejects(logFor(t, { folder }), fails('LOG_VERSION'))
})

async function filled (folder: string, t: Parameters<typeof logFor>[0]): Promise<void> {
  const log = await logFor(t, { folder })
  await log.createTopic(topic('in'))
  for (let n = 0; n < 20; n += 1) await log.append('in', 0, batchOf([`${n} ${'x'.repeat(20_000)}`]))
  await log.close()
}

test('embedded log: a file cut short anywhere is an error, and an empty one begins anew', async t => {
  const folder = folderFor(t)
  await filled(folder, t)
  const file = join(folder, 'data.mdb')
  const { size } = statSync(file)
  for (const length of [size - 4096, Math.floor(size / 2), 8192, 5000]) {
    truncateSync(file, length)
    await assert.rejects(logFor(t, { folder }), fails('LOG_DAMAGED'), `${length} of ${size} bytes`)
  }
  truncateSync(file, 0)
  const log = await logFor(t, { folder })
  assert.deepEqual(await log.topics(), [])
})

test('embedded log: a damaged batch stops the reader there, with topic, partition and offset', async t => {
  const folder = folderFor(t)
  await filled(folder, t)
  const file = join(folder, 'data.mdb')
  const at = readFileSync(file).indexOf(`7 ${'x'.repeat(100)}`) + 10_000
  const handle = openSync(file, 'r+')
  writeSync(handle, 'y', at)
  closeSync(handle)
  const log = await logFor(t, { folder })
  const fetch = (offset: number) => log.fetch({ topic: 'in', partition: 0, offset, bytesMax: 1 << 20, waitMs: 0 })
  const { bytes } = await fetch(0)
  assert.equal(bytes.length, 7 * batchOf([`0 ${'x'.repeat(20_000)}`]).length, 'what lies before the damage is given')
  await assert.rejects(fetch(7), (error: Error & { code?: string, details?: object }) => {
    assert.equal(error.code, 'LOG_CORRUPT')
    assert.deepEqual(error.details, { topic: 'in', partition: 0, offset: 7, why: 'wrong checksum' })
    return true
  })
  assert((await fetch(8)).bytes.length > 0)
})

test('embedded log: a batch that is missing is an error, never a silent skip', async t => {
  const folder = folderFor(t)
  await filled(folder, t)
  const log = await logFor(t, { folder })
  const { batchKey } = await import('../../../connectors/embedded/store.ts')
  await log.store.batches.remove(batchKey(1, 0, 5))
  assert.deepEqual((await log.fetch({ topic: 'in', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })).bytes.length, 5 * batchOf([`0 ${'x'.repeat(20_000)}`]).length)
  await assert.rejects(log.fetch({ topic: 'in', partition: 0, offset: 5, bytesMax: 1 << 20, waitMs: 0 }), fails('LOG_CORRUPT'))
})

test('embedded log: more waiting than the bound allows is refused', async t => {
  const log = await logFor(t, { queuedBytesMax: 1_000 })
  await log.createTopic(topic('in'))
  const results = await Promise.allSettled(Array.from({ length: 40 }, () => log.append('in', 0, batchOf(['x'.repeat(100)]))))
  const refused = results.filter(result => result.status === 'rejected')
  assert(refused.length > 0 && refused.every(({ reason }) => fails('LOG_QUEUE_FULL')(reason)))
  assert.equal((await log.range('in', 0)).end, 40 - refused.length)
})

test('embedded log: under durability disk a commit resolves once flushed', async t => {
  const folder = folderFor(t)
  const log = await logFor(t, { folder, durability: 'disk' })
  await log.createTopic(topic('in'))
  await log.append('in', 0, batchOf(['a']))
  assert.deepEqual((await everything(log, 'in')).map(textOf), ['a'])
})
