import type { SchemaName } from '../core/journal.ts'
import type { LakePort } from '../core/lake-ports.ts'
import { Outputs } from '../core/outputs.ts'
import { type Headers, RecordBatchWriter } from '../core/record-batch.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { TableView } from '../core/table.ts'
import { Task } from './task.ts'

export interface BackfillPlan {
  readonly pipeline: CompiledPipeline
  readonly lake: LakePort
  readonly tables: ReadonlyMap<string, TableView>
  readonly schema: (id: SchemaName) => string | null
  /** Stands for the recording in the lake: below 0, so that no partition of a topic is meant. */
  readonly partition: number
  /** Name of the recording's part of a source, in place of a topic. */
  readonly topic: (source: string) => string
  /** What is kept with the positions, to know the recording again. */
  readonly metadata: string
  /** What a record was wrong with before it became one, by source and offset. */
  readonly broken: (source: string, offset: number) => { readonly reason: string, readonly message: string } | null
}

export interface BackfillRecord { readonly source: string, readonly arrival: number, readonly key: Uint8Array | null, readonly value: Uint8Array | null, readonly headers?: Headers }
export interface BackfillCounts { readings: number, rollups: number, deadLetters: number, late: number, /** Stored by an earlier run. */ before: number }

interface Part { readonly task: Task, readonly writer: RecordBatchWriter, readonly topic: string, readonly storedTo: number, next: number }
const batchRecords = 4096

/**
 * A recording into the lake, through the stages of the pond: readings, rollups, late readings and dead letters.
 *
 * Shape:    take records in order of arrival, then finish; offsets count the records of a source from 0
 * Delivery: as the lake's; a run that was cut off is begun again from the first record, and rows that were stored are not stored twice
 * Limits:   the lake's `pendingRowsMax`
 */
export class Backfill {
  readonly counts: BackfillCounts = { readings: 0, rollups: 0, deadLetters: 0, late: 0, before: 0 }
  readonly #plan: BackfillPlan
  readonly #parts: ReadonlyMap<string, Part>
  readonly #out = new Outputs()

  private constructor (plan: BackfillPlan, parts: ReadonlyMap<string, Part>) {
    this.#plan = plan
    this.#parts = parts
  }

  static async open (plan: BackfillPlan): Promise<Backfill> {
    const { pipeline, lake, tables, partition } = plan
    const parts = await Promise.all(pipeline.sources.map(async ({ name }): Promise<[string, Part]> => {
      const topic = plan.topic(name)
      const task = new Task(pipeline.createStages({ leg: 'pond', source: name, topic, partition, mode: 'replay', tables, chunked: lake.addChunks !== undefined }))
      return [name, { task, writer: new RecordBatchWriter(), topic, storedTo: (await lake.committed(topic, partition))?.offset ?? 0, next: 0 }]
    }))
    return new Backfill(plan, new Map(parts))
  }

  async take ({ source, arrival, key, value, headers }: BackfillRecord): Promise<void> {
    const part = this.#parts.get(source)!
    part.writer.append(arrival, key, value, headers)
    if (part.writer.count >= batchRecords) await this.#flush(source, part)
  }

  /** Nothing was to come until then: closes windows that wait for a device that was silent. */
  async tick (arrival: number): Promise<void> {
    for (const [source, part] of this.#parts) {
      await this.#flush(source, part)
      part.task.control({ kind: 'tick', arrival }, this.#out)
      this.#store(source, part)
    }
  }

  /** End of the recording: what is open closes. */
  async finish (): Promise<void> {
    for (const [source, part] of this.#parts) {
      await this.#flush(source, part)
      part.task.drain(this.#out)
      this.#store(source, part)
      await this.#commitIfFull()
    }
    await this.#commit()
  }

  async #flush (source: string, part: Part): Promise<void> {
    const { task, writer } = part
    if (writer.count === 0) return
    const from = part.next
    part.next += writer.count
    task.load(writer.finish(from).slice(), from, part.next)
    writer.reset()
    for (;;) {
      // Tables are read as they are: nothing journals what a recording looked up.
      const step = task.step(this.#out, () => {})
      if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema: this.#plan.schema(task.schemaWanted!) }, this.#out)
      this.#store(source, part)
      if (step === 'end') break
    }
    // Not between two steps: the task stands behind all that was loaded.
    await this.#commitIfFull()
  }

  #store (source: string, { task, topic, storedTo }: Part): void {
    const { lake, partition, pipeline, broken } = this.#plan
    const { signals, keys } = task
    const { counts } = this
    const out = this.#out
    if (signals !== null && signals.count > 0) {
      const from = signals.position.subarray(0, signals.count).findIndex(position => position >= storedTo)
      // What was loaded at once is stored whole or not at all, and a later run loads the same at once.
      if (from < 0) counts.before += signals.count
      else {
        if (task.stages.chunks === null) lake.addReadings({ source, topic, partition, batch: signals, keys })
        counts.readings += signals.count
      }
    }
    for (const closed of out.chunks) if (closed.count > 0) lake.addChunks!({ source, topic, partition, chunks: closed })
    for (const { name, rows } of out.windows) {
      if (rows.count === 0) continue
      lake.addRollups({ window: name.replace(/^window\./, ''), source, topic, partition, rows, keys })
      counts.rollups += rows.count
    }
    const at = (offset: number) => ({ topic, partition, offset })
    const letters = out.deadLetters.filter(({ position }) => position >= storedTo)
    lake.addDeadLetters(letters.map(({ stage: _, position, ...letter }) => ({ ...letter, ...broken(source, position), pipeline: pipeline.name, source: at(position) })))
    const late = out.late.filter(({ position }) => position >= storedTo)
    lake.addLate(late.map(({ stage: _, position, ...reading }) => ({ ...reading, pipeline: pipeline.name, source: at(position) })))
    counts.deadLetters += letters.length
    counts.late += late.length
    out.clear()
  }

  async #commitIfFull (): Promise<void> {
    if (this.#plan.lake.pendingRows * 2 > this.#plan.lake.pendingRowsMax) await this.#commit()
  }

  /** A run that goes over what was stored before moves no position back. */
  async #commit (): Promise<void> {
    const { lake, partition, metadata } = this.#plan
    await lake.commit([...this.#parts.values()].map(({ topic, task, storedTo }) => ({ topic, partition, offset: Math.max(task.position, storedTo), metadata })))
  }
}
