import assert from 'node:assert/strict'
import type { LakeReader } from '../../connectors/duckdb/reader.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { compileDefinition } from '../../pipelines/define/public.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { controlEventCodec } from '../../schemas/control-event.ts'
import { deadLetterCodec } from '../../schemas/dead-letter.ts'
import { lateReadingCodec } from '../../schemas/late-reading.ts'
import { definition, partitions } from './kill-pipeline.ts'
import { allOf, hex, type TaskTruth, truthOf } from './kill-truth.ts'

const pipeline = compileDefinition(definition)

/** Topics and lake hold what the logs alone say, each row once, in the order of each task. Gives how many of each there are. */
export async function checkKilled (log: LogPort, lake: LakeReader) {
  const races: TaskTruth[] = []
  const ponds: TaskTruth[] = []
  for (let partition = 0; partition < partitions; partition += 1) {
    const committed = await log.committed(names.group('killed', 'race'), 'killed.readings', partition)
    assert.equal(committed?.offset, (await log.range('killed.readings', partition)).end)
    races.push(await truthOf(log, pipeline, { leg: 'race', partition, upTo: JSON.parse(committed!.metadata).journal }))
    const [stored] = await lake.query(`SELECT "offset", metadata FROM _millrace_offsets WHERE topic = 'killed.readings' AND "partition" = ${partition}`)
    ponds.push(await truthOf(log, pipeline, { leg: 'pond', partition, upTo: JSON.parse(String(stored!.metadata)).journal }))
  }
  const told = await checkTopics(log, races)
  await checkLake(log, lake, { races, ponds })
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

async function checkLake (log: LogPort, lake: LakeReader, { races, ponds }: { readonly races: readonly TaskTruth[], readonly ponds: readonly TaskTruth[] }): Promise<void> {
  for (const [partition, { readings, rollups }] of ponds.entries()) {
    const stored = await lake.query(`SELECT "offset" AS n FROM killed_readings WHERE "partition" = ${partition} ORDER BY "offset"`)
    assert.deepEqual(stored.map(({ n }) => n), readings)
    for (const window of ['short', 'visit']) {
      const rows = await lake.query(`SELECT key, epoch_ms("start") AS s, epoch_ms("end") AS e, n, revision FROM killed_${window} WHERE "partition" = ${partition}`)
      const expected = [...rollups].filter(([place]) => place.startsWith(`${window} `)).map(([place, { end, n, revision }]) => `${place} ${end} ${n} ${revision}`)
      assert.deepEqual(rows.map(({ key, s, e, n, revision }) => `${window} ${key} ${s} ${e} ${n} ${revision}`).sort(), expected.sort())
    }
  }
  const alerts = new Set((await allOf(log, 'killed.control', 0)).map(({ value }) => controlEventCodec.decode(value!).alertId))
  const count = async (table: string, what = '*') => (await lake.query(`SELECT count(${what}) AS n FROM killed_${table}`))[0]!.n
  assert.deepEqual([await count('alerts'), await count('alerts', 'DISTINCT alert_id')], [alerts.size, alerts.size])
  assert.equal(await count('dead_letters'), races.reduce((sum, { deadLetters }) => sum + deadLetters.length, 0))
  assert.equal(await count('late'), races.reduce((sum, { late }) => sum + late.length, 0))
}
