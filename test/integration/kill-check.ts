import assert from 'node:assert/strict'
import type { LakeReader } from '../../connectors/duckdb/reader.ts'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { compileDefinition } from '../../pipelines/define/public.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { controlEventCodec } from '../../schemas/control-event.ts'
import { deadLetterCodec } from '../../schemas/dead-letter.ts'
import { lateReadingCodec } from '../../schemas/late-reading.ts'
import { chunkedDefinition, definition, partitions } from './kill-pipeline.ts'
import { allOf, hex, type TaskTruth, truthOf } from './kill-truth.ts'

const pipelines = { rows: compileDefinition(definition), chunks: compileDefinition(chunkedDefinition) }

/** Rows of a table by its name behind the pipeline's; `positions` those of all pipelines. */
export interface LakeLook { rows (table: string): Promise<readonly LakeRow[]>, positions (): Promise<readonly LakeRow[]> }
export const duckLook = (lake: Pick<LakeReader, 'query'>): LakeLook => ({ rows: table => lake.query(`SELECT * FROM killed_${table}`), positions: () => lake.query('SELECT * FROM _millrace_offsets') })

/**
 * Topics and lake hold what the logs alone say, each row once, in the order of each task. Of `chunks` the table `readings` is what a reader makes of them, and what
 * is in chunks that have not ended is not there yet. Gives how many of each there are.
 */
export async function checkKilled (log: LogPort, lake: LakeLook, mode: keyof typeof pipelines = 'rows') {
  const pipeline = pipelines[mode]
  const races: TaskTruth[] = []
  const ponds: TaskTruth[] = []
  for (let partition = 0; partition < partitions; partition += 1) {
    const committed = await log.committed(names.group('killed', 'race'), 'killed.readings', partition)
    assert.equal(committed?.offset, (await log.range('killed.readings', partition)).end)
    races.push(await truthOf(log, pipeline, { leg: 'race', partition, upTo: JSON.parse(committed!.metadata).journal }))
    const stored = (await lake.positions()).find(row => row.topic === 'killed.readings' && row.partition === partition)
    ponds.push(await truthOf(log, pipeline, { leg: 'pond', partition, upTo: JSON.parse(String(stored!.metadata)).journal }))
  }
  const told = await checkTopics(log, races)
  await checkLake(log, lake, { races, ponds, mode })
  return told
}

async function checkTopics (log: LogPort, races: readonly TaskTruth[]) {
  const counts = { readings: 0, events: 0, late: 0, deadLetters: 0 }
  const control = await allOf(log, 'killed.control', 0)
  const ids = control.map(({ value }) => controlEventCodec.decode(value!).id)
  assert.equal(new Set(ids).size, ids.length, 'no event stands twice')
  for (const [partition, { events, late, deadLetters }] of races.entries()) {
    const ofTask = async (topic: string, codec: { decode: (value: Uint8Array) => { readonly source: { readonly partition: number } } }) =>
      (await allOf(log, topic, 0)).filter(({ value }) => codec.decode(value!).source.partition === partition).map(({ value }) => hex(value!))
    assert.deepEqual(await ofTask('killed.control', controlEventCodec), events)
    assert.deepEqual(await ofTask(names.late('killed'), lateReadingCodec), late)
    assert.deepEqual(await ofTask(names.deadLetters('killed'), deadLetterCodec), deadLetters)
    counts.readings += (await log.range('killed.readings', partition)).end
    counts.events += events.length
    counts.late += late.length
    counts.deadLetters += deadLetters.length
  }
  assert(counts.events > 0 && counts.late > 0 && counts.deadLetters > 0 && counts.readings > 1_000, JSON.stringify(counts))
  return counts
}

async function checkLake (log: LogPort, lake: LakeLook, { races, ponds, mode }: { readonly races: readonly TaskTruth[], readonly ponds: readonly TaskTruth[], readonly mode: keyof typeof pipelines }): Promise<void> {
  const [stored, short, visit, alertRows, letterRows, lateRows] = await Promise.all(['readings', 'short', 'visit', 'alerts', 'dead_letters', 'late'].map(table => lake.rows(table))) as [readonly LakeRow[], readonly LakeRow[], readonly LakeRow[], readonly LakeRow[], readonly LakeRow[], readonly LakeRow[]]
  for (const [partition, { readings, chunked, rollups }] of ponds.entries()) {
    const ofTask = (rows: readonly LakeRow[]) => rows.filter(row => row.partition === partition)
    assert.deepEqual(ofTask(stored).map(({ offset }) => offset as number).toSorted((a, b) => a - b), mode === 'rows' ? readings : chunked)
    assert(mode === 'rows' || chunked.length > readings.length / 2, `${chunked.length} of ${readings.length} readings are in chunks that have ended`)
    for (const [window, rows] of [['short', short], ['visit', visit]] as const) {
      const expected = [...rollups].filter(([place]) => place.startsWith(`${window} `)).map(([place, { end, n, revision }]) => `${place} ${end} ${n} ${revision}`)
      assert.deepEqual(ofTask(rows).map(({ key, start, end, n, revision }) => `${window} ${key} ${start} ${end} ${n} ${revision}`).sort(), expected.sort())
    }
  }
  const alerts = new Set((await allOf(log, 'killed.control', 0)).map(({ value }) => controlEventCodec.decode(value!).alertId))
  assert.deepEqual([alertRows.length, new Set(alertRows.map(row => row.alert_id)).size], [alerts.size, alerts.size])
  assert.equal(letterRows.length, races.reduce((sum, { deadLetters }) => sum + deadLetters.length, 0))
  assert.equal(lateRows.length, races.reduce((sum, { late }) => sum + late.length, 0))
}
