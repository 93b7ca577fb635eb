import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type EmbeddedLake, openLake } from '../../../connectors/duckdb/lake.ts'
import { type Batch, createBatch } from '../../../pipelines/core/batch.ts'
import type { KeyTable } from '../../../pipelines/core/keys.ts'
import type { LakeLayout } from '../../../pipelines/core/lake-ports.ts'
import { createWindowBatch, growWindowBatch, type WindowBatch } from '../../../pipelines/core/window-batch.ts'

export const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'fleet',
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }],
  windows: [{ name: 'minute', shape: { kind: 'tumbling', sizeMs: 60_000 }, parts: [{ name: 'celsius_n', signal: 'celsius', part: 'n' }, { name: 'celsius_sketch', signal: 'celsius', part: 'sketch' }], columns: [{ name: 'mean', kind: 'number', unit: 'Cel' }, { name: 'seen', kind: 'value' }] }],
  rawMode: 'rows', intervalMs: null, rawBucket: null, rawTtlMs: 1_000, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
}

export function lakeFile (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lake-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return join(folder, 'lake.duckdb')
}

export async function lakeFor (t: TestContext, file = lakeFile(t), of = layout): Promise<EmbeddedLake> {
  const lake = await openLake({ file, layout: of })
  t.after(() => lake.close())
  return lake
}

export interface Reading { readonly key: string, readonly at: number, readonly celsius: number | null, readonly doorOpen?: boolean | null, readonly site?: string | null }

/** A batch of the layout's signals whose rows lie at consecutive offsets from `offset` on. */
export function readings (rows: readonly Reading[], keys: KeyTable, { offset = 0, arrivalDelayMs = 5, batch = createBatch(layout.signals, Math.max(1, rows.length)) }: { offset?: number, arrivalDelayMs?: number, batch?: Batch } = {}): Batch {
  const [celsius, doorOpen, site] = batch.columns
  batch.count = rows.length
  rows.forEach(({ key, at, ...values }, row) => {
    batch.key[row] = keys.internText(key)
    batch.at[row] = at
    batch.arrival[row] = at + arrivalDelayMs
    batch.position[row] = offset + row
    celsius!.known[row] = values.celsius === null ? 0 : 1
    celsius!.values[row] = values.celsius ?? Number.NaN
    doorOpen!.known[row] = values.doorOpen == null ? 0 : 1
    doorOpen!.values[row] = values.doorOpen ? 1 : 0
    site!.known[row] = values.site == null ? 0 : 1
    if (site!.kind === 'text' && values.site != null) site!.values[row] = site!.dictionary.internText(values.site)
  })
  return batch
}

export interface Rollup { readonly key: string, readonly start: number, readonly end: number, readonly mean: number | null, readonly revision?: number, readonly retraction?: boolean, readonly seen?: readonly number[], readonly sketch?: Uint8Array }

export function rollups (rows: readonly Rollup[], keys: KeyTable): WindowBatch {
  const batch = createWindowBatch([...layout.windows[0]!.columns, { name: 'celsius_n', kind: 'number' }, { name: 'celsius_sketch', kind: 'value' }], 1)
  for (const { key, start, end, mean, revision = 0, retraction = false, seen = [], sketch } of rows) {
    growWindowBatch(batch)
    const row = batch.count
    batch.key[row] = keys.internText(key)
    batch.start[row] = start
    batch.end[row] = end
    batch.expected[row] = Number.NaN
    batch.received[row] = 2
    batch.revision[row] = revision
    batch.final[row] = 1
    batch.retraction[row] = retraction ? 1 : 0
    batch.columns[0]!.values[row] = mean ?? Number.NaN
    batch.columns[0]!.known[row] = mean === null ? 0 : 1
    batch.columns[1]!.values[row] = seen
    batch.columns[1]!.known[row] = 1
    batch.columns[2]!.values[row] = 2
    batch.columns[2]!.known[row] = 1
    batch.columns[3]!.values[row] = sketch ?? null
    batch.columns[3]!.known[row] = sketch === undefined ? 0 : 1
    batch.count += 1
  }
  return batch
}
