import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { openEmbedded } from '../../pipelines/cli/embedded.ts'
import { records } from '../../pipelines/core/record-batch.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { type ControlEvent, controlEventCodec } from '../../schemas/control-event.ts'
import { Command, millrace } from '../kit/cli.ts'
import { asLines, readings, rooms, roomsFolder } from '../kit/rooms.ts'

/** A pipeline whose room `a` is too warm. */
function warm () {
  const { folder, definition, write } = roomsFolder()
  const data = `${folder}/data`
  const log = async <T>(use: (log: Awaited<ReturnType<typeof openEmbedded>>['log']) => Promise<T>): Promise<T> => {
    const { log } = await openEmbedded(`${data}/rooms`)
    try { return await use(log) } finally { await log.close() }
  }
  const run = (seconds: number, ...readings: readonly object[]) => millrace(['run', definition, '--data', data, '--partitions', '1', '--for', `${seconds}s`, ...readings.length === 0 ? [] : ['--input', write('in.jsonl', asLines(readings))]])
  const reset = (...args: readonly string[]) => millrace(['reset', definition, '--data', data, ...args])
  const events = () => log(async log => {
    const { bytes } = await log.fetch({ topic: 'rooms.control', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
    return [...records(bytes)].map(({ value }) => controlEventCodec.decode(value!)).map(({ state, ordinal, seq, reason }: ControlEvent) => `${state} #${ordinal}.${seq}${reason === null ? '' : ` ${reason}`}`)
  })
  return { definition, data, log, run, reset, events }
}

test('reset: begins with empty state where it is told to, clears what was open, and ordinals go on', { timeout: 100_000 }, async () => {
  const { definition, data, run, reset, events } = warm()
  assert.equal((await run(2, { room: 'a', at: 1_000, celsius: 9 }, { room: 'a', at: 2_000, celsius: 9 })).status, 0)
  assert.deepEqual(await events(), ['raised #1.1'])

  const told = await reset('--to', 'latest')
  assert.deepEqual([told.status, told.stdout], [1, ''], told.stderr)
  assert.match(told.stderr, /rooms\/0 {2}2 -> 2\n[\s\S]*1 open alert cleared[\s\S]*nothing was changed: say --yes/)
  assert.deepEqual(await events(), ['raised #1.1'])

  const refused = await reset('--to', 'earliest', '--yes')
  assert.equal(refused.status, 64, refused.stderr)
  assert.match(refused.stderr, /2 records are processed again[\s\S]*--allow-repeat/)

  const done = await reset('--to', 'latest', '--yes')
  assert.equal(done.status, 0, done.stderr)
  assert.deepEqual(await events(), ['raised #1.1', 'cleared #2.2 reset'])
  assert.equal((await run(2, { room: 'a', at: 3_000, celsius: 9 })).status, 0)
  assert.deepEqual(await events(), ['raised #1.1', 'cleared #2.2 reset', 'raised #3.1'])

  assert.equal((await reset('--to', 'earliest', '--allow-repeat', '--yes')).status, 0)
  assert.equal((await run(2)).status, 0)
  assert.deepEqual((await events()).slice(3), ['cleared #4.2 reset', 'raised #5.1'])

  const running = new Command(['run', definition, '--data', data])
  await running.said(/Ctrl-C/)
  const locked = await reset('--to', 'latest', '--yes')
  assert.deepEqual([locked.status, /another process holds it/.test(locked.stderr)], [69, true], locked.stderr)
  await running.interrupt()
})

test('reset: helps where state was lost, and says nothing twice', { timeout: 60_000 }, async () => {
  const { log, run, reset, events } = warm()
  await run(2, { room: 'a', at: 1_000, celsius: 9 })
  await log(log => log.deleteTopic(names.state('rooms', 'race')))
  const lost = await run(2)
  assert.match(lost.stderr, /positions are committed but no snapshot is there/)
  assert.equal((await reset('--to', 'committed', '--yes')).status, 0)
  assert.equal((await run(2, { room: 'a', at: 2_000, celsius: 9 })).status, 0)
  assert.deepEqual(await events(), ['raised #1.1', 'cleared #2.2 reset', 'raised #3.1'])
})

test('reset: what cannot be is refused before anything is touched', { timeout: 60_000 }, async () => {
  const { run, reset, events } = warm()
  await run(2, { room: 'a', at: 1_000, celsius: 9 })
  for (const [args, says] of [[[], /without --to/], [['--to', '99'], /offset that is not there/], [['--to', 'soon'], /Cannot read the place/]] as const) {
    const refused = await reset(...args, '--yes')
    assert.equal(refused.status, 64, refused.stderr)
    assert.match(refused.stderr, says)
  }
  assert.deepEqual(await events(), ['raised #1.1'])
})

test('reset: with a lake, nothing is made or changed without --yes', { timeout: 60_000 }, async () => {
  const { folder, write } = roomsFolder()
  const definition = write('kept.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: rooms }\n`)
  const data = `${folder}/data`
  const lake = `${data}/rooms/lake.duckdb`
  const on = (verb: string, ...args: readonly string[]) => millrace([verb, definition, '--data', data, ...args])
  const stored = await on('run', '--partitions', '1', '--input', write('in.jsonl', asLines(readings)), '--once')
  assert.equal(stored.status, 0, stored.stderr)
  const before = readFileSync(lake)
  const told = await on('reset', '--to', 'earliest', '--leg', 'pond')
  assert.deepEqual([told.status, told.stdout], [1, ''], told.stderr)
  assert.match(told.stderr, /rooms\/0 {2}6 -> 0\n/)
  assert(readFileSync(lake).equals(before))
  rmSync(lake)
  const lost = await on('reset', '--to', 'earliest', '--leg', 'pond')
  assert.match(lost.stderr, /rooms\/0 {2}nothing committed -> 0\n/)
  assert(!existsSync(lake))
  assert.equal((await on('reset', '--to', 'earliest', '--leg', 'pond', '--yes')).status, 0)
  assert(existsSync(lake))
})
