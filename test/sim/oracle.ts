import assert from 'node:assert/strict'
import type { JournalEntry } from '../../pipelines/core/journal.ts'
import { Outputs } from '../../pipelines/core/outputs.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { type LogRecord, readBatchHeader, records } from '../../pipelines/core/record-batch.ts'
import type { CompiledPipeline } from '../../pipelines/core/stage.ts'
import type { StateTree } from '../../pipelines/core/state.ts'
import { closeChunks } from '../../pipelines/chunk/stage.ts'
import { type CheckedDefinition, compileDefinition } from '../../pipelines/define/public.ts'
import { retireRule } from '../../pipelines/rules/retire.ts'
import { adopt } from '../../pipelines/runtime/adopt.ts'
import { type Leg, names } from '../../pipelines/runtime/names.ts'
import { inOrder } from '../../pipelines/runtime/order.ts'
import { Task } from '../../pipelines/runtime/task.ts'
import { readingRows, rollupRows, shown } from './rows.ts'

export interface TaskName { readonly source: string, readonly topic: string, readonly partition: number }
export interface Said { readonly events: readonly string[], readonly late: readonly string[], readonly deadLetters: readonly string[], /** Readings and results of windows, as a lake stores them. */ readonly rows: readonly string[] }
/** Everything a task has to say over its whole life, and what it would say if time went on from the end. */
export interface Truth extends Said { readonly registered: readonly string[], readonly afterwards: Said }

const text = new TextDecoder()

/**
 * What the logs alone say that a task gives: a new task takes the input one record at a time, with the journal's entries where they stand.
 * No snapshot, no commit, no batches; so it shares nothing with recovery but the stages.
 */
export async function truthOf (log: LogPort, pipeline: CompiledPipeline, { name, leg, entries: upTo }: { readonly name: TaskName, readonly leg: Leg, readonly entries: number }): Promise<Truth> {
  const { source, topic, partition } = name
  let task = newTask(pipeline, name, leg)
  const { said, out, take: takeOf } = listener(name)
  const take = () => { takeOf(task) }
  const entries = await journalOf(log, { source, partition, topic: names.journal(pipeline.name, leg), upTo })
  const verdicts = new Map(entries.flatMap(entry => entry.kind === 'schema' ? [[entry.id, entry.schema] as const] : []).reverse())
  const batches = await batchesOf(log, topic, partition)
  const input = (to: number) => {
    for (const { bytes, end, pace } of batches) {
      while (task.position < Math.min(end, to)) {
        task.load(bytes, task.position, Math.min(task.position + pace, end, to))
        for (let step = task.step(out, null); step !== 'end'; step = task.step(out, null)) {
          if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema: verdicts.get(task.schemaWanted!)! }, out)
          take()
        }
        take()
      }
    }
  }
  for (const entry of entries) {
    input(entry.position)
    if (entry.kind === 'definition') {
      const state = task.snapshot()
      task = newTask(compile(entry.definition!), name, leg)
      for (const output of adopt(task, state, { retire: retireRule, closeChunks, reset: stage => entry.reset.includes(stage) }).events) out.events.push(output)
      take()
      continue
    }
    if (entry.kind === 'registry') assert.notEqual(task.registered.get(entry.table)?.has(entry.key) ?? false, entry.present, `${entry.key} is told of once`)
    task.control(entry, out)
    take()
  }
  input(Number.POSITIVE_INFINITY)
  return { ...said, registered: [...task.registered.get('devices') ?? []].sort(), afterwards: afterwardsOf(task, name) }
}

/** What a task says from a state on, when silence and then the end of the input come. States may differ in what they hold in reserve. */
export function saidFrom (pipeline: CompiledPipeline, { name, leg }: { readonly name: TaskName, readonly leg: Leg }, state: StateTree): Said {
  const task = newTask(pipeline, name, leg)
  task.restore(state)
  return afterwardsOf(task, name)
}

function afterwardsOf (task: Task, name: TaskName): Said {
  const { said, out, take } = listener(name)
  for (const ms of [0, 1_000, 5_000, 20_000, 3_600_000]) {
    task.control({ kind: 'tick', arrival: task.clock.arrival + ms }, out)
    take(task)
  }
  task.drain(out)
  take(task)
  return said
}

const compile = (definition: string) => compileDefinition(JSON.parse(definition) as CheckedDefinition)
const newTask = (pipeline: CompiledPipeline, { source, topic, partition }: TaskName, leg: Leg) =>
  new Task(pipeline.createStages({ leg, source, topic, partition, mode: 'live', tables: new Map() }))

function listener ({ source, topic, partition }: TaskName) {
  const said = { events: [] as string[], late: [] as string[], deadLetters: [] as string[], rows: [] as string[] }
  const out = new Outputs()
  const take = (task: Task) => {
    if (task.signals !== null) said.rows.push(...readingRows(topic, partition, task.signals, task.keys))
    task.signals = null
    for (const { name, rows } of out.windows) said.rows.push(...rollupRows(`${source}/${partition}`, name.replace(/^window\./, ''), rows, task.keys))
    for (const { event } of inOrder(out.events)) said.events.push(shown(event))
    for (const one of inOrder(out.late)) said.late.push(shown(one))
    for (const one of inOrder(out.deadLetters)) said.deadLetters.push(shown(one))
    out.clear()
  }
  return { said, out, take }
}

/** Batches one by one; the pace is one record, in long ones the whole. */
async function batchesOf (log: LogPort, topic: string, partition: number) {
  const { bytes } = await log.fetch({ topic, partition, offset: 0, bytesMax: 1 << 28, waitMs: 0 })
  const batches: { readonly bytes: Uint8Array, readonly end: number, readonly pace: number }[] = []
  for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) {
    batches.push({ bytes: bytes.slice(from, from + header.bytes), end: header.baseOffset + header.lastOffsetDelta + 1, pace: header.count > 100 ? header.count : 1 })
  }
  return batches
}

async function journalOf (log: LogPort, { topic, partition, source, upTo }: { readonly topic: string, readonly partition: number, readonly source: string, readonly upTo: number }): Promise<readonly JournalEntry[]> {
  const byNumber = new Map<number, JournalEntry>()
  for (const { key, value } of await allRecords(log, topic, partition)) {
    if (text.decode(key!) !== source) continue
    const entry = JSON.parse(text.decode(value!)) as JournalEntry
    if (entry.number <= upTo) byNumber.set(entry.number, entry)
  }
  return [...byNumber.values()].sort((a, b) => a.position - b.position || a.number - b.number)
}

export async function allRecords (log: LogPort, topic: string, partition: number): Promise<readonly LogRecord[]> {
  const { start } = await log.range(topic, partition)
  const { bytes } = await log.fetch({ topic, partition, offset: start, bytesMax: 1 << 28, waitMs: 0 })
  return [...records(bytes)]
}

/** Equal lists; where they are not, the first difference alone. */
export function assertSame (got: readonly string[], wanted: readonly string[], what: string): void {
  const at = got.findIndex((one, index) => one !== wanted[index])
  assert.equal(at < 0 ? undefined : got[at], at < 0 ? undefined : wanted[at], `${what}: number ${at} of ${got.length}`)
  assert.equal(got.length, wanted.length, `${what}: missing ${wanted[got.length]}`)
}
