import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLake } from '../connectors/duckdb/lake.ts'
import { machineClock } from '../connectors/embedded/clock.ts'
import { type EmbeddedLog, openEmbeddedLog } from '../connectors/embedded/log.ts'
import { createBatch } from '../pipelines/core/batch.ts'
import { KeyTable } from '../pipelines/core/keys.ts'
import type { LakeLayout } from '../pipelines/core/lake-ports.ts'
import { readBatchHeader } from '../pipelines/core/record-batch.ts'
import { report } from './kit.ts'
import { readingBatches } from './readings.ts'

/** What the embedded log and lake cost: append, fetch, commit, and rows into DuckDB. */

const records = 2_000_000
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
try {
  await logBench()
  await lakeBench()
} finally {
  rmSync(folder, { recursive: true })
}

async function logBench (): Promise<void> {
  const log = await openEmbeddedLog({ folder: join(folder, 'log'), clock: machineClock })
  await log.createTopic({ name: 'readings', partitions: 4, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  const batches = readingBatches({ records, keys: 10_000 })
  const appended = await rate(async () => {
    const inFlightMax = 8
    for (let first = 0; first < batches.length; first += inFlightMax) await Promise.all(batches.slice(first, first + inFlightMax).map((bytes, index) => log.append('readings', index % 4, bytes)))
    return records
  })
  report({ id: 'log-append', what: 'embedded log: append batches of 4,096 readings, 4 partitions', value: appended, unit: 'readings/s', goal: '>= 1 M', met: appended >= 1e6 })
  const fetched = await rate(() => drain(log))
  report({ id: 'log-fetch', what: 'embedded log: fetch 1 MiB at a time, checksums verified', value: fetched, unit: 'readings/s', goal: '>= 1 M', met: fetched >= 1e6 })
  const p50 = await commitP50(log, readingBatches({ records: 1, keys: 1 })[0]!)
  report({ id: 'log-commit', what: 'embedded log: commit of one event and one offset, p50', value: p50, unit: 'ms' })
  await log.close()
}

async function drain (log: EmbeddedLog): Promise<number> {
  let drained = 0
  for (let partition = 0; partition < 4; partition += 1) {
    for (let offset = 0, end = 1; offset < end;) {
      const fetched = await log.fetch({ topic: 'readings', partition, offset, bytesMax: 1 << 20, waitMs: 0 })
      end = fetched.end
      for (let at = 0; at < fetched.bytes.length;) {
        const header = readBatchHeader(fetched.bytes, at)!
        drained += header.count
        offset = header.baseOffset + header.lastOffsetDelta + 1
        at += header.bytes
      }
    }
  }
  if (drained !== records) throw new Error(`fetched ${drained} of ${records} readings`)
  return drained
}

async function commitP50 (log: EmbeddedLog, bytes: Uint8Array): Promise<number> {
  const member = await log.join({ group: 'bench', member: 'bench', topics: ['readings'] })
  const times: number[] = []
  for (let offset = 0; offset < 300; offset += 1) {
    const from = performance.now()
    await member.commit({ appends: [{ topic: 'readings', partition: 0, bytes }], offsets: [{ topic: 'readings', partition: 0, offset, metadata: '' }] })
    times.push(performance.now() - from)
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

async function lakeBench (): Promise<void> {
  const layout: LakeLayout = {
    pipeline: 'bench', keyspace: 'bench', windows: [], rawMode: 'rows', intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
    signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'limit', kind: 'number', unit: 'Cel' }, { name: 'door', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }],
  }
  const lake = await openLake({ file: join(folder, 'lake.duckdb'), layout })
  const keys = new KeyTable(1 << 20)
  const ids = Array.from({ length: 10_000 }, (_, index) => keys.internText(`truck-${index}`))
  const batch = createBatch(layout.signals)
  const [celsius, limit, door, site] = batch.columns
  for (const column of batch.columns) column.known.fill(1)
  const perCommit = 64
  let offset = 0
  const stored = await rate(async () => {
    let committed: Promise<void> = Promise.resolve()
    for (let round = 0; offset < records; round += 1) {
      for (let row = 0; row < batch.capacity; row += 1, offset += 1) {
        batch.key[row] = ids[offset % ids.length]!
        batch.at[row] = batch.arrival[row] = 1_767_225_600_000 + offset / 10
        batch.position[row] = offset
        celsius!.values[row] = Math.sin(offset) * 20
        limit!.values[row] = 8
        door!.values[row] = offset & 1
        if (site?.kind === 'text') site.values[row] = row < 20 ? site.dictionary.internText(`site-${row}`) : row % 20
      }
      batch.count = batch.capacity
      lake.addReadings({ source: 'polar', topic: 'readings', partition: 0, batch, keys })
      if (round % perCommit < perCommit - 1 && offset < records) continue
      await committed
      committed = lake.commit([{ topic: 'readings', partition: 0, offset, metadata: '' }])
    }
    await committed
    return offset
  })
  const [row] = await lake.query('SELECT count(*) AS n, count(DISTINCT key) AS k FROM bench_readings')
  if (row!.n !== offset || row!.k !== ids.length) throw new Error(`wrong result: ${JSON.stringify(row)}`)
  await lake.close()
  report({ id: 'lake-rows', what: 'embedded lake: readings of 10 columns into DuckDB, committed', value: stored, unit: 'rows/s', goal: '>= 1 M', met: stored >= 1e6 })
}

async function rate (work: () => Promise<number>): Promise<number> {
  const from = performance.now()
  return await work() / (performance.now() - from) * 1_000
}
