import assert from 'node:assert/strict'
import { readBatchHeader, records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { batchOf, type Contract, fails, text, topicSpec, valuesIn, valuesOf } from './log.ts'

export function fetching (contract: Contract, framed: boolean): void {
  contract('takes batches whatever base offset their writer gave them', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const writer = new RecordBatchWriter()
    for (const [base, value] of [[0, 'a'], [4_096, 'b']] as const) {
      writer.reset()
      writer.append(1_000, null, text(value))
      await log.append('readings', 0, writer.finish(base))
    }
    assert.deepEqual(await valuesIn(log, 'readings', 0), ['a', 'b'])
  })

  contract('may answer in the buffer given, with the same bytes; and outside it when they do not fit', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    for (const value of ['a', 'b', 'c']) await log.append('readings', 0, batchOf([value]))
    const into = new Uint8Array(1 << 12).fill(0xff)
    for (const buffer of [into, into, new Uint8Array(3)]) {
      const { bytes, end } = await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0, into: buffer })
      assert.deepEqual([valuesOf(bytes), end], [['a', 'b', 'c'], 3])
    }
    const { bytes } = await log.fetch({ topic: 'readings', partition: 0, offset: 3, bytesMax: 1 << 20, waitMs: 0, into })
    assert.equal(bytes.length, 0)
  })

  contract('assigns offsets per partition and gives back the records in order', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    assert.deepEqual(await log.append('readings', 0, batchOf(['a', 'b'])), { baseOffset: 0 })
    assert.deepEqual(await log.append('readings', 1, batchOf(['x'])), { baseOffset: 0 })
    assert.deepEqual(await log.append('readings', 0, batchOf(['c'])), { baseOffset: 2 })
    const { bytes, end } = await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
    assert.equal(end, 3)
    assert.deepEqual([...records(bytes)].map(({ offset, timestamp }) => [offset, timestamp]), [[0, 1_000], [1, 1_001], [2, 1_000]])
    assert.deepEqual(valuesOf(bytes), ['a', 'b', 'c'])
  })

  contract('gives whole batches, from the one that holds the offset, within bytesMax but at least one', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    for (const values of [['a', 'b'], ['c', 'd'], ['e']]) await log.append('readings', 0, batchOf(values))
    const fetch = (offset: number, bytesMax: number) => log.fetch({ topic: 'readings', partition: 0, offset, bytesMax, waitMs: 0 })
    assert.deepEqual(valuesOf((await fetch(3, 1)).bytes), framed ? ['c', 'd'] : ['d'])
    if (framed) assert.deepEqual(valuesOf((await fetch(0, 2 * batchOf(['a', 'b']).length)).bytes), ['a', 'b', 'c', 'd'])
    else assert.deepEqual(valuesOf((await fetch(0, 1)).bytes), ['a'])
    assert.deepEqual(valuesOf((await fetch(4, 1 << 20)).bytes), ['e'])
    assert.equal((await fetch(5, 1 << 20)).bytes.length, 0)
    await assert.rejects(fetch(6, 1), fails('LOG_OUT_OF_RANGE'))
  })

  contract('gives each of several that fetch at once a batch, though each batch is larger than what is asked for', async ({ log }) => {
    await log.createTopic(topicSpec('readings', { partitions: 4 }))
    for (let partition = 0; partition < 4; partition += 1) await log.append('readings', partition, batchOf([`${partition}`.repeat(3_000)]))
    const found = await Promise.all(Array.from({ length: 4 }, (_, partition) => log.fetch({ topic: 'readings', partition, offset: 0, bytesMax: 1_000, waitMs: 0 })))
    assert.deepEqual(found.flatMap(({ bytes }) => valuesOf(bytes).map(value => [value[0], value.length])), [0, 1, 2, 3].map(partition => [`${partition}`, 3_000]))
  })

  contract('stamps the moment of append on a LogAppendTime topic', async ({ log, clock }) => {
    await log.createTopic(topicSpec('readings', { timestamps: 'LogAppendTime' }))
    const before = clock.wallMs()
    await log.append('readings', 0, batchOf(['a', 'b'], { at: 5 }))
    const { bytes } = await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
    assert(readBatchHeader(bytes, 0)?.logAppendTime)
    for (const { timestamp } of records(bytes)) assert(timestamp >= before && timestamp <= clock.wallMs())
  })

  contract('finds the first offset at or past a time', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    assert.equal(await log.offsetAt('readings', 0, 0), 0)
    await log.append('readings', 0, batchOf(['a', 'b', 'c'], { at: 100 }))
    await log.append('readings', 0, batchOf(['d'], { at: 50 }))
    await log.append('readings', 0, batchOf(['e'], { at: 200 }))
    for (const [at, offset] of [[0, 0], [100, 0], [101, 1], [103, 4], [200, 4], [201, 5]] as const) assert.equal(await log.offsetAt('readings', 0, at), offset, `at ${at}`)
  })

  contract('refuses what is not one sound, uncompressed record batch', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const good = batchOf(['a'])
    const flipped = good.slice()
    flipped[good.length - 1]! ^= 1
    const refused = { empty: new Uint8Array(0), truncated: good.slice(0, -1), two: Uint8Array.from([...good, ...good]), flipped, wrongVersion: good.map((byte, index) => index === 16 ? 1 : byte) }
    for (const [why, bytes] of Object.entries(refused)) await assert.rejects(log.append('readings', 0, bytes), fails('LOG_BATCH_REFUSED'), why)
    await log.createTopic(topicSpec('table', { cleanup: 'compact' }))
    await assert.rejects(log.append('table', 0, batchOf(['a'], { key: null })), fails('LOG_BATCH_REFUSED'))
    assert.deepEqual(await log.range('readings', 0), { start: 0, end: 0 })
  })

  contract('lets the caller reuse its bytes once append has returned', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const bytes = batchOf(['a'])
    const appended = log.append('readings', 0, bytes)
    bytes.fill(0)
    await appended
    assert.deepEqual(valuesOf((await log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1, waitMs: 0 })).bytes), ['a'])
  })

  contract('wakes a waiting fetch on append', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const waiting = log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 60_000 })
    await log.append('readings', 1, batchOf(['other partition']))
    await log.append('readings', 0, batchOf(['a']))
    assert.deepEqual(valuesOf((await waiting).bytes), ['a'])
  })

  contract('ends a waiting fetch when its signal aborts', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    const stop = new AbortController()
    const waiting = log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 60_000, signal: stop.signal })
    setImmediate(() => { stop.abort() })
    assert.deepEqual((await waiting).bytes.length, 0)
  })

  contract('trims whole batches only and then refuses offsets before the start', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    for (const values of [['a', 'b'], ['c', 'd'], ['e']]) await log.append('readings', 0, batchOf(values))
    await log.trim('readings', 0, 3)
    const { start, end } = await log.range('readings', 0)
    assert(start >= 2 && start <= 3, `${start}`)
    assert.equal(end, 5)
    await assert.rejects(log.fetch({ topic: 'readings', partition: 0, offset: 1, bytesMax: 1, waitMs: 0 }), fails('LOG_OUT_OF_RANGE'))
    await log.trim('readings', 0, 5)
    assert.deepEqual(await log.range('readings', 0), { start: 5, end: 5 })
    assert.deepEqual(await log.append('readings', 0, batchOf(['f'])), { baseOffset: 5 })
  })
}
