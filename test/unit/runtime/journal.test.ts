import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JournalContent } from '../../../pipelines/core/journal.ts'
import { Batches } from '../../../pipelines/runtime/batches.ts'
import { Journal, readAll, readJournal } from '../../../pipelines/runtime/journal.ts'
import { records } from '../../../pipelines/core/record-batch.ts'
import { batchWith, memoryLog, text, topicSpec } from './kit.ts'

const tick = (arrival: number): JournalContent => ({ kind: 'tick', arrival })
const range = { topic: 'journal', partition: 0, source: 'north', from: 0, after: 0 }

async function journalLog () {
  const { log } = memoryLog()
  await log.createTopic(topicSpec('journal'))
  const write = async (journal: Journal, ...entries: readonly (readonly [position: number, content: JournalContent])[]) => {
    const batches = new Batches()
    for (const [position, content] of entries) batches.add(journal.entry(position, 5.5, content))
    for (const { topic, partition, bytes } of batches.take()) await log.append(topic, partition, bytes)
  }
  return { log, write, journal: (number = 0, source = 'north') => new Journal({ topic: 'journal', partition: 0, source, number }) }
}

test('journal: entries come back between two numbers, with their content', async () => {
  const { log, write, journal } = await journalLog()
  const content: readonly JournalContent[] = [
    tick(7), { kind: 'watermark', at: 9 }, { kind: 'lookup', table: 't', key: 'k', row: { max: 1.5, site: 'ü', open: null } }, { kind: 'lookup', table: 't', key: 'k', row: null },
    { kind: 'registry', table: 't', key: 'k', present: true }, { kind: 'schema', id: 4, schema: null }, { kind: 'definition', hash: 'h', definition: null, reset: ['window.m'] },
  ]
  await write(journal(), ...content.map((one, index) => [index * 10, one] as const))
  const all = await readJournal(log, { ...range, upTo: 7 })
  assert.deepEqual(all, content.map((one, index) => ({ position: index * 10, number: index + 1, ...one })))
  assert.deepEqual((await readJournal(log, { ...range, after: 2, upTo: 4 })).map(({ number }) => number), [3, 4])
  assert.deepEqual(await readJournal(log, { ...range, after: 7, upTo: 7 }), [])
})

test('journal: entries take effect by position, then number', async () => {
  const { log, write, journal } = await journalLog()
  await write(journal(), [5, tick(1)], [9, tick(2)], [5, tick(3)], [6, tick(4)])
  assert.deepEqual((await readJournal(log, { ...range, upTo: 4 })).map(({ number }) => number), [1, 3, 4, 2])
})

test('journal: of entries written again after a failed commit the last counts, and those beyond the committed one do not', async () => {
  const { log, write, journal } = await journalLog()
  await write(journal(), [1, tick(1)], [2, tick(2)], [3, tick(3)])
  await write(journal(1), [2, tick(22)])
  const arrivals = async (upTo: number) => (await readJournal(log, { ...range, upTo })).map(entry => entry.kind === 'tick' ? entry.arrival : null)
  assert.deepEqual(await arrivals(2), [1, 22])
  await write(journal(2), [4, tick(33)])
  assert.deepEqual(await arrivals(3), [1, 22, 33])
})

test('journal: sources that share a partition keep their own numbers', async () => {
  const { log, write, journal } = await journalLog()
  const north = journal()
  const south = journal(0, 'south')
  await write(north, [1, tick(1)])
  await write(south, [1, tick(100)], [1, tick(101)])
  await write(north, [2, tick(2)])
  assert.deepEqual((await readJournal(log, { ...range, upTo: 2 })).map(({ position }) => position), [1, 2])
  assert.equal((await readJournal(log, { ...range, source: 'south', upTo: 2 })).length, 2)
})

test('journal: a missing entry is an incident', async () => {
  const { log, write, journal } = await journalLog()
  await write(journal(), [1, tick(1)])
  await write(journal(2), [3, tick(3)])
  await assert.rejects(readJournal(log, { ...range, upTo: 3 }), { code: 'STATE_JOURNAL' })
  await assert.rejects(readJournal(log, { ...range, upTo: 4 }), { code: 'STATE_JOURNAL' })
  await log.trim('journal', 0, 1)
  await assert.rejects(readJournal(log, { ...range, upTo: 1 }), { code: 'STATE_JOURNAL' })
})

test('journal: an entry that cannot be read is an incident', async () => {
  for (const value of [null, text('{"position":1,'), text('null'), text('{"position":"1","number":1,"kind":"tick"}'), Uint8Array.of(0xff)]) {
    const { log } = await journalLog()
    await log.append('journal', 0, batchWith(text('north'), value))
    await assert.rejects(readJournal(log, { ...range, upTo: 1 }), { code: 'STATE_JOURNAL' })
  }
})

test('journal: reading on from an offset goes through whole batches and stops at the present end', async () => {
  const { log } = memoryLog()
  await log.createTopic(topicSpec('t'))
  const batches = new Batches()
  for (let i = 0; i < 10; i += 1) batches.add({ topic: 't', partition: 0, timestamp: i, key: null, value: text(`${i}`), headers: [] })
  for (const { topic, partition, bytes } of batches.take()) await log.append(topic, partition, bytes)
  const seen: number[] = []
  for await (const { offset } of readAll(log, 't', 0, 4)) {
    seen.push(offset)
    await log.append('t', 0, batchWith(null, text('later')))
  }
  assert.deepEqual(seen, [4, 5, 6, 7, 8, 9])
})

test('batches: records keep their order per partition, timestamps and headers; full ones are sealed', async () => {
  const batches = new Batches()
  const big = new Uint8Array(400_000)
  for (let i = 0; i < 8; i += 1) batches.add({ topic: i % 2 === 0 ? 'a' : 'b', partition: 0, timestamp: 100 - i, key: text(`${i}`), value: big, headers: [['h', text(`${i}`)]] })
  assert.equal(batches.count, 8)
  const sealed = batches.take()
  assert.deepEqual(sealed.map(({ topic }) => topic), ['a', 'b', 'a', 'b'])
  const read = sealed.flatMap(({ topic, bytes }) => [...records(bytes)].map(({ key, timestamp, headers }) => [topic, Buffer.from(key!).toString(), timestamp, headers.map(([name, value]) => `${name}${Buffer.from(value!)}`).join()]))
  assert.deepEqual(read.filter(([topic]) => topic === 'a'), [['a', '0', 100, 'h0'], ['a', '2', 98, 'h2'], ['a', '4', 96, 'h4'], ['a', '6', 94, 'h6']])
  assert.deepEqual([batches.count, batches.take()], [0, []])
})
