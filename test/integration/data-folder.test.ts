import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, truncateSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Embedded, openEmbedded } from '../../pipelines/cli/embedded.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { Command } from '../kit/cli.ts'
import { asLines, rooms, roomsFolder } from '../kit/rooms.ts'
import { definition, partitions, readingAvro } from './kill-pipeline.ts'
import { allOf } from './kill-truth.ts'

const child = new URL('kill-child.ts', import.meta.url).pathname

function folderOf (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-folder-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

const engineOn = (embedded: Embedded) => Engine.start({ definition, system: embedded, partitions, reset: () => false, onEvent: () => {} })

/** Some readings through both legs, drained. */
async function fill (embedded: Embedded, count = 200): Promise<void> {
  const engine = await engineOn(embedded)
  const encode = createEncoder(readingAvro, await embedded.registry.register('killed.readings-value', readingAvro))
  const writer = new RecordBatchWriter()
  for (let n = 0; n < count; n += 1) writer.append(0, null, encode({ id: `d${n % 5}`, ts: Date.now(), seq: n, celsius: 9 + (n % 2) }))
  await embedded.log.append('killed.readings', 0, writer.finish())
  while (engine.race!.status.readings < count || engine.pond!.status.readings < count) await Promise.race([engine.failed, new Promise(resolve => { setTimeout(resolve, 20) })])
  await engine.stop()
}

/** Something is done to the log of a drained pipeline; then the start is refused with `code`, and nothing was said meanwhile. */
async function refusedAfter (t: TestContext, code: string, harm: (embedded: Embedded) => Promise<unknown>): Promise<void> {
  const embedded = await openEmbedded(folderOf(t))
  try {
    await fill(embedded)
    await harm(embedded)
    const { end } = await embedded.log.range('killed.control', 0)
    await assert.rejects(engineOn(embedded), { code })
    assert.equal((await embedded.log.range('killed.control', 0)).end, end)
    await assert.rejects(engineOn(embedded), { code }, 'the second time too: nothing was guessed')
  } finally {
    await embedded.log.close()
  }
}

for (const leg of ['race', 'pond'] as const) {
  const state = names.state('killed', leg)

  test(`data folder: a damaged snapshot of the ${leg} is refused`, t => refusedAfter(t, 'STATE_CORRUPT', async ({ log }) => {
    const { key, value } = (await allOf(log, state, 0)).at(-1)!
    const wrong = value!.slice()
    wrong[wrong.length - 5]! ^= 1
    const writer = new RecordBatchWriter()
    writer.append(0, key, wrong)
    await log.append(state, 0, writer.finish())
  }))

  test(`data folder: without its snapshots the ${leg} does not begin anew on its own`, t => refusedAfter(t, 'STATE_LOST', ({ log }) => log.deleteTopic(state)))
}

test('data folder: an input topic made anew is not taken for the one before', t => refusedAfter(t, 'STATE_TOPIC', async ({ log }) => {
  const { end } = await log.range('killed.readings', 0)
  const committed = await Promise.all([0, 1].map(partition => log.committed(names.group('killed', 'race'), 'killed.readings', partition)))
  await log.deleteTopic('killed.readings')
  await log.createTopic({ name: 'killed.readings', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  const member = await log.join({ group: names.group('killed', 'race'), member: 'm', topics: ['killed.readings'] })
  await member.commit({ appends: [], offsets: committed.map((one, partition) => ({ topic: 'killed.readings', partition, ...one! })) })
  assert(end > 0)
}))

test('data folder: another process is told who holds it, and the holder goes on', async t => {
  const folder = folderOf(t)
  const holder = spawn(process.execPath, [child, folder, 'feed'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  await assert.rejects(openEmbedded(folder), (error: Error & { code?: string, details?: { pid?: number } }) => {
    assert.deepEqual([error.code, error.details?.pid], ['LOG_LOCKED', holder.pid])
    return true
  })
  assert.equal(holder.exitCode, null)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const embedded = await openEmbedded(folder)
  const engine = await engineOn(embedded)
  await engine.stop()
  await embedded.log.close()
})

async function ended (running: ChildProcess): Promise<{ readonly code: number | null, readonly complaint: string }> {
  let complaint = ''
  running.stderr!.on('data', chunk => { complaint += String(chunk) })
  const [code] = await once(running, 'exit') as [number | null]
  return { code, complaint }
}

test('data folder: a log or a lake cut short, or of another kind, is refused with what is wrong; put back, everything goes on', async t => {
  const folder = folderOf(t)
  const embedded = await openEmbedded(folder)
  await fill(embedded)
  await embedded.log.close()
  for (const file of ['log/data.mdb', 'lake.duckdb']) {
    const path = join(folder, file)
    const kept = join(folder, 'kept')
    copyFileSync(path, kept)
    for (const harm of [() => { truncateSync(path, Math.floor(statSync(path).size / 2)) }, () => { writeFileSync(path, 'x'.repeat(30_000)) }]) {
      harm()
      const { code, complaint } = await ended(spawn(process.execPath, [child, folder, 'finish'], { stdio: ['ignore', 'ignore', 'pipe'] }))
      assert.equal(code, 1, complaint)
      assert.match(complaint, file.startsWith('log') ? /LOG_(DAMAGED|FOREIGN)/ : /LAKE_(DAMAGED|UNAVAILABLE)/)
      copyFileSync(kept, path)
    }
  }
  const { code, complaint } = await ended(spawn(process.execPath, [child, folder, 'finish'], { stdio: ['ignore', 'ignore', 'pipe'] }))
  assert.equal(code, 0, complaint)
})

test('dev: a definition that the lake cannot take is told, and the one before goes on', async () => {
  const { folder, write } = roomsFolder()
  const input = write('live.jsonl', asLines(Array.from({ length: 40_000 }, (_, i) => ({ room: 'a', at: 1_800_000_000_000 + i * 500, celsius: i % 300 < 150 ? 10 : 5 }))))
  const text = (open: string) => `${rooms}signals: { celsius: { unit: Cel }, open: ${open} }\nnormalise: { open: '${open === 'bool' ? 'celsius > 1.0' : 'celsius'}' }\nlake: { keyspace: rooms }\n`
  const file = write('live.yaml', text('bool'))
  const dev = new Command(['dev', file, '--input', input, '--rate', '200', '--data', join(folder, 'data')])
  try {
    await dev.said(/raised.* warm.* a/)
    write('live.yaml', text('number'))
    await dev.said(/live\.yaml was not reloaded: Cannot lay out the lake/)
    await dev.said(/not reloaded[\s\S]*cleared.* warm.* a/)
    write('live.yaml', text('bool').replace('8.0', '8.5'))
    await dev.said(/live\.yaml reloaded/)
  } finally {
    const ran = await dev.interrupt()
    assert.equal(ran.status, 0, ran.stderr)
  }
})
