import type { JournalEntry } from '../../pipelines/core/journal.ts'
import { cell } from '../../pipelines/core/batch.ts'
import { Outputs } from '../../pipelines/core/outputs.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { endOf, type LogRecord, records } from '../../pipelines/core/record-batch.ts'
import type { CompiledPipeline } from '../../pipelines/core/stage.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { Task } from '../../pipelines/runtime/task.ts'
import { controlEventCodec } from '../../schemas/control-event.ts'
import { deadLetterCodec } from '../../schemas/dead-letter.ts'
import { lateReadingCodec } from '../../schemas/late-reading.ts'

export interface Rollup { readonly end: number, readonly n: number, readonly revision: number }

/** What one task gives over its whole life, from the logs alone: all input in one piece, with the journal's entries where they stand. */
export interface TaskTruth {
  readonly events: readonly string[]
  readonly deadLetters: readonly string[]
  readonly late: readonly string[]
  readonly readings: readonly number[]
  /** Of `readings`, those whose chunk has ended, in the order of the log; none where there are no chunks. */
  readonly chunked: readonly number[]
  /** The last row of each `window key start`. */
  readonly rollups: ReadonlyMap<string, Rollup>
}

export async function allOf (log: LogPort, topic: string, partition: number): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = []
  const { start, end } = await log.range(topic, partition)
  for (let offset = start; offset < end;) {
    const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 24, waitMs: 0 })
    for (const record of records(bytes)) if (record.offset >= offset) all.push(record)
    offset = endOf(bytes)
  }
  return all
}

export async function truthOf (log: LogPort, pipeline: CompiledPipeline, { leg, partition, upTo }: { readonly leg: 'race' | 'pond', readonly partition: number, readonly upTo: number }): Promise<TaskTruth> {
  const { name: source, topic } = pipeline.sources[0]!
  const task = new Task(pipeline.createStages({ leg, source, topic, partition, mode: 'live', tables: new Map(), chunked: true }))
  const entries = await journalOf(log, { topic: names.journal(pipeline.name, leg), partition, upTo })
  const verdicts = new Map(entries.flatMap(entry => entry.kind === 'schema' ? [[entry.id, entry.schema] as const] : []))
  const { end } = await log.range(topic, partition)
  const { bytes } = await log.fetch({ topic, partition, offset: 0, bytesMax: 1 << 30, waitMs: 0 })
  const out = new Outputs()
  const truth = { events: [] as string[], deadLetters: [] as string[], late: [] as string[], readings: [] as number[], chunked: [] as number[], rollups: new Map<string, Rollup>() }
  const take = () => {
    collect(task, out, truth, { pipeline: pipeline.name, origin: { topic, partition } })
    out.clear()
    task.signals = null
  }
  const input = (to: number) => {
    if (task.position >= to) return
    task.load(bytes, task.position, to)
    for (let step = task.step(out, null); ; step = task.step(out, null)) {
      if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema: verdicts.get(task.schemaWanted!)! }, out)
      take()
      if (step === 'end') return
    }
  }
  for (const entry of entries) {
    if (entry.kind === 'schema' || entry.kind === 'definition') continue
    input(entry.position)
    task.control(entry, out)
    take()
  }
  input(end)
  truth.chunked.sort((a, b) => a - b)
  return truth
}

interface Growing { readonly events: string[], readonly deadLetters: string[], readonly late: string[], readonly readings: number[], readonly chunked: number[], readonly rollups: Map<string, Rollup> }

function collect (task: Task, out: Outputs, truth: Growing, { pipeline, origin }: { readonly pipeline: string, readonly origin: { readonly topic: string, readonly partition: number } }): void {
  const { signals, keys } = task
  for (let row = 0; row < (signals?.count ?? 0); row += 1) truth.readings.push(signals!.position[row]!)
  for (const chunks of out.chunks) {
    for (let index = 0; index < chunks.count; index += 1) {
      const { count, offset } = chunks.read(index)
      truth.chunked.push(...offset.subarray(0, count))
    }
  }
  const byCause = <T extends { position: number, stage: number }>(list: readonly T[]) => [...list].sort((a, b) => a.position - b.position || a.stage - b.stage)
  for (const { event } of byCause(out.events)) truth.events.push(hex(controlEventCodec.encode(event, 1)))
  for (const { position, window, key, at, arrival, value } of byCause(out.late)) truth.late.push(hex(lateReadingCodec.encode({ pipeline, window, key, at, arrival, value, source: { ...origin, offset: position } }, 1)))
  for (const { position, stage: _, ...letter } of byCause(out.deadLetters)) truth.deadLetters.push(hex(deadLetterCodec.encode({ pipeline, ...letter, source: { ...origin, offset: position } }, 1)))
  for (const { name, rows } of out.windows) {
    const n = rows.columns.find(column => column.name === 'n')!
    for (let row = 0; row < rows.count; row += 1) {
      const place = `${name.replace('window.', '')} ${keys.text(rows.key[row]!)} ${rows.start[row]}`
      truth.rollups.delete(place)
      if (rows.retraction[row] === 0) truth.rollups.set(place, { end: rows.end[row]!, n: cell(n, row) as number, revision: rows.revision[row]! })
    }
  }
}

/** Without the schema's id. */
export const hex = (value: Uint8Array): string => Buffer.from(value.subarray(5)).toString('hex')

/** The last entry of each number counts, and none beyond the committed one. */
async function journalOf (log: LogPort, { topic, partition, upTo }: { readonly topic: string, readonly partition: number, readonly upTo: number }): Promise<readonly JournalEntry[]> {
  const byNumber = new Map<number, JournalEntry>()
  for (const { value } of await allOf(log, topic, partition)) {
    const entry = JSON.parse(Buffer.from(value!).toString()) as JournalEntry
    if (entry.number <= upTo) byNumber.set(entry.number, entry)
  }
  return [...byNumber.values()].sort((a, b) => a.position - b.position || a.number - b.number)
}
