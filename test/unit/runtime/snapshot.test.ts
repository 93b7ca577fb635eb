import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { records } from '../../../pipelines/core/record-batch.ts'
import { type SnapshotFacts, SnapshotWriter } from '../../../pipelines/runtime/snapshot.ts'
import { readSnapshot, StateReader } from '../../../pipelines/runtime/state-reader.ts'
import type { MemoryLog } from '../../kit/memory-log.ts'
import { batchWith, factsAt, memoryLog, stateOf, text, topicSpec } from './kit.ts'

const place = { topic: 'state', partition: 0, source: 'north' }

async function stateLog (at?: Parameters<typeof memoryLog>[0]): Promise<MemoryLog> {
  const { log } = memoryLog(at)
  await log.createTopic(topicSpec('state'))
  return log
}

async function parts (log: MemoryLog) {
  const { start } = await log.range('state', 0)
  const { bytes } = await log.fetch({ topic: 'state', partition: 0, offset: start, bytesMax: 1 << 30, waitMs: 0 })
  return [...records(bytes)]
}

/** Head of a record on the state topic. */
function headOf (value: Uint8Array): { readonly kind: string, readonly chunk: number, readonly chunks: number, readonly generation: number } {
  const length = new DataView(value.buffer, value.byteOffset).getUint32(4)
  return JSON.parse(Buffer.from(value.subarray(8, 8 + length)).toString())
}

test('snapshot: there is none on an empty topic, nor for another source', async () => {
  const log = await stateLog()
  assert.equal(await readSnapshot(log, place), null)
  await new SnapshotWriter(log, { ...place, source: 'south' }, { generation: 1 }).write(stateOf(1), factsAt(1))
  assert.equal(await readSnapshot(log, place), null)
})

test('snapshot: the last of a base and its deltas comes back, with its facts', async () => {
  const log = await stateLog()
  const writer = new SnapshotWriter(log, place, { generation: 3 })
  for (let step = 1; step <= 5; step += 1) {
    const facts: SnapshotFacts = { position: step * 10, journal: step, journalOffset: step * 2, topic: 'in', topicId: 'id', definitionHash: 'hash', definition: '{"name":"x"}' }
    await writer.write(stateOf(step), facts)
    assert.deepStrictEqual(await readSnapshot(log, place), { facts, state: stateOf(step), generation: 3 })
  }
  assert.deepEqual((await parts(log)).map(({ value }) => headOf(value!).kind), ['base', 'delta', 'delta', 'delta', 'delta'])
})

test('snapshot: small state is a small record', async () => {
  const log = await stateLog()
  await new SnapshotWriter(log, place, { generation: 1 }).write({ next: 0 }, factsAt(0, { definition: null }))
  const [base] = await parts(log)
  assert(base!.value!.length < 300, `${base!.value!.length} bytes`)
})

test('snapshot: after many deltas, or one that is nearly as large as its base, a new base is written', async () => {
  const log = await stateLog()
  const writer = new SnapshotWriter(log, place, { generation: 1 })
  for (let step = 1; step <= 40; step += 1) await writer.write(stateOf(step), factsAt(step))
  await writer.write({ other: Float64Array.from({ length: 40_000 }, (_, i) => i) }, factsAt(41))
  const bases = (await parts(log)).flatMap(({ value, offset }) => headOf(value!).kind === 'base' ? [offset] : [])
  assert.deepEqual(bases, [0, 30, 40])
  assert.equal(writer.baseOffset, 40)
})

test('snapshot: what lies before the last base may be trimmed', async () => {
  const log = await stateLog()
  const writer = new SnapshotWriter(log, place, { generation: 1 })
  for (let step = 1; step <= 33; step += 1) await writer.write(stateOf(step), factsAt(step))
  await log.trim('state', 0, writer.baseOffset)
  assert.equal((await log.range('state', 0)).start, 30)
  assert.deepStrictEqual((await readSnapshot(log, place))!.state, stateOf(33))
})

test('snapshot: large state is cut into several records, and one that lacks a part does not count', async () => {
  let left = Number.POSITIVE_INFINITY
  const log = await stateLog(point => {
    if (point !== 'append:before') return
    left -= 1
    if (left < 0) throw new StreamError('LOG_UNAVAILABLE')
  })
  const large = (fill: number) => ({ values: new Float64Array(1_200_000).fill(fill) })
  await new SnapshotWriter(log, place, { generation: 1 }).write(large(1), factsAt(1))
  assert.deepEqual((await parts(log)).map(({ value }) => headOf(value!).chunk), [0, 1, 2])
  left = 2
  await assert.rejects(new SnapshotWriter(log, place, { generation: 2 }).write(large(2), factsAt(2)), { code: 'LOG_UNAVAILABLE' })
  assert.deepStrictEqual((await readSnapshot(log, place))!.state, large(1))
  // The next owner did not see the half-written base either: it writes under the same generation.
  left = 3
  await new SnapshotWriter(log, place, { generation: 2 }).write(large(3), factsAt(3))
  assert.deepStrictEqual((await readSnapshot(log, place))!.state, large(3))
})

test('snapshot: a half-written delta leaves the snapshot before it', async () => {
  const log = await stateLog()
  const writer = new SnapshotWriter(log, place, { generation: 1 })
  for (let step = 1; step <= 3; step += 1) await writer.write(stateOf(step), factsAt(step))
  const all = await parts(log)
  const cut = await stateLog()
  // The second delta is lost: the third record must not be laid upon the first.
  for (const { key, value } of [all[0]!, all[2]!]) await cut.append('state', 0, batchWith(key, value))
  assert.deepStrictEqual((await readSnapshot(cut, place))!.state, stateOf(1))
})

test('snapshot: the highest generation counts, whatever an earlier owner writes behind it', async () => {
  const log = await stateLog()
  const first = new SnapshotWriter(log, place, { generation: 1 })
  await first.write(stateOf(1), factsAt(1))
  const second = new SnapshotWriter(log, place, { generation: 2 })
  await second.write(stateOf(2), factsAt(2))
  await first.write(stateOf(9), factsAt(9), { base: true })
  await second.write(stateOf(3), factsAt(3))
  await first.write(stateOf(10), factsAt(10))
  const { state, facts, generation } = (await readSnapshot(log, place))!
  assert.deepStrictEqual([state, facts.position, generation], [stateOf(3), 3, 2])
})

test('snapshot: sources that share a partition do not see each other', async () => {
  const log = await stateLog()
  const writers = ['north', 'south'].map(source => new SnapshotWriter(log, { ...place, source }, { generation: 1 }))
  for (let step = 1; step <= 4; step += 1) for (const [index, writer] of writers.entries()) await writer.write(stateOf(step * (index + 1)), factsAt(step))
  for (const [index, source] of ['north', 'south'].entries()) assert.deepStrictEqual((await readSnapshot(log, { ...place, source }))!.state, stateOf(4 * (index + 1)))
})

test('snapshot: it is written by the way given', async () => {
  const log = await stateLog()
  const written: number[] = []
  const writer = new SnapshotWriter(log, place, { generation: 1, append: async (topic, partition, bytes) => { written.push(bytes.length); await log.append(topic, partition, bytes) } })
  await writer.write(stateOf(1), factsAt(1))
  assert.equal(written.length, 1)
  assert.deepStrictEqual((await readSnapshot(log, place))!.state, stateOf(1))
})

test('snapshot: damage anywhere in a record is refused, never passed over', async () => {
  const log = await stateLog()
  const writer = new SnapshotWriter(log, place, { generation: 1 })
  for (let step = 1; step <= 2; step += 1) await writer.write({ step, values: Float64Array.of(1, 2, step) }, factsAt(step))
  const all = await parts(log)
  for (const record of all.keys()) {
    for (let at = 0; at < all[record]!.value!.length; at += 1) {
      const damaged = await stateLog()
      for (const [index, { key, value }] of all.entries()) {
        const bytes = value!.slice()
        if (index === record) bytes[at]! ^= 0x41
        await damaged.append('state', 0, batchWith(key, bytes))
      }
      await assert.rejects(readSnapshot(damaged, place), { code: 'STATE_CORRUPT' })
    }
  }
})

test('snapshot: random damage and cuts are refused', async () => {
  const log = await stateLog()
  await new SnapshotWriter(log, place, { generation: 1 }).write({ values: Float64Array.of(1, 2, 3) }, factsAt(1))
  const [base] = await parts(log)
  await fc.assert(fc.asyncProperty(fc.nat(base!.value!.length - 1), async length => {
    const damaged = await stateLog()
    await damaged.append('state', 0, batchWith(text('north'), base!.value!.subarray(0, length)))
    await assert.rejects(readSnapshot(damaged, place), { code: 'STATE_CORRUPT' })
  }))
})

test('snapshot: read bit by bit it is what is read at once, whoever else writes, and trims, meanwhile', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.record({ who: fc.nat(2), what: fc.constantFrom('write', 'write', 'base', 'read', 'succeed', 'trim' as const), step: fc.nat(30) }), { maxLength: 60 }), async steps => {
    const log = await stateLog()
    const reader = new StateReader(log, 'state', 0)
    const sources = ['north', 'south', 'south']
    const make = (who: number, generation: number) => new SnapshotWriter(log, { ...place, source: sources[who]! }, { generation })
    const generations = [1, 1, 1]
    // The last two do not know of one another.
    const writers = [make(0, 1), make(1, 1), make(2, 1)]
    for (const { who, what, step } of steps) {
      const writer = writers[who]!
      if (what === 'succeed') writers[who] = make(who, generations[who]! += 1)
      else if (what === 'trim') await log.trim('state', 0, Math.min(...writers.map(({ baseOffset }) => baseOffset)))
      else if (what !== 'read') await writer.write(stateOf(step, 400), factsAt(step), { base: what === 'base' })
      else {
        await reader.read()
        for (const source of ['north', 'south']) assert.deepStrictEqual(reader.snapshot(source), await readSnapshot(log, { ...place, source }))
      }
    }
  }), { numRuns: 60 })
})
