import { type Column, createBatch } from '../../../pipelines/core/batch.ts'
import { TaskClock } from '../../../pipelines/core/clock.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { type EventOutput, Outputs } from '../../../pipelines/core/outputs.ts'
import type { RuleSpec } from '../../../pipelines/core/spec.ts'
import type { Moment, RuleStage } from '../../../pipelines/core/stage.ts'
import type { StateTree } from '../../../pipelines/core/state.ts'
import { createWindowBatch } from '../../../pipelines/core/window-batch.ts'
import { createRuleStages } from '../../../pipelines/rules/stage.ts'

/** Every test of rules plays on these columns. */
export const fields = [
  { name: 'celsius', kind: 'number', unit: 'Cel', nullable: true },
  { name: 'limit', kind: 'number', unit: 'Cel', nullable: true },
  { name: 'open', kind: 'bool', unit: null, nullable: true },
  { name: 'site', kind: 'text', unit: null, nullable: true },
] as const

export interface Reading {
  readonly key: string
  readonly at: number
  /** Default: `at`. */
  readonly arrival?: number
  readonly celsius?: number | null
  readonly limit?: number | null
  readonly open?: boolean | null
  readonly site?: string | null
}
export type Input =
  | Reading
  | { readonly tick: number }
  | { readonly watermark: number }
  | { readonly registry: string, readonly present: boolean }

export function rule (given: Partial<RuleSpec> & { readonly name: string }): RuleSpec {
  return {
    version: 'v1', window: null, when: null, clear: null, absentMs: null, registry: null, forMs: 0, forCount: 0, gapMs: null, keepFiringMs: 0, atLeast: null,
    missing: 'hold', order: 'arrival', early: false, severity: 'warning', labels: [], ttlMs: null, summary: null, ...given,
  }
}

export interface PlayOptions {
  /** Length of the n-th batch; default 1. */
  readonly cut?: (n: number) => number
  /** Snapshot, drop everything, restore before every batch and entry. */
  readonly restarts?: boolean
  readonly latenessMs?: number
  readonly explicit?: boolean
  readonly codegen?: boolean
  readonly drain?: boolean
  readonly reorderRowsMax?: number
}

export interface Played { readonly events: readonly EventOutput[], readonly counts: ReadonlyMap<string, number>, readonly out: Outputs }

interface Task { readonly keys: KeyTable, readonly clock: TaskClock, readonly stages: RuleStage[] }

export function createTask (specs: readonly RuleSpec[], { latenessMs = 0, explicit = false, codegen = true, reorderRowsMax = 65_536 }: PlayOptions = {}): Task {
  const keys = new KeyTable(1000)
  const clock = new TaskClock({ latenessMs, idleMs: Number.POSITIVE_INFINITY, explicit })
  const stages = createRuleStages(specs, {
    pipeline: 'p', source: 's', topic: 't', partition: 2, mode: 'live', keys, signals: fields, windows: new Map([['minute', fields]]), firstNumber: 4, codegen, reorderRowsMax,
  })
  return { keys, clock, stages }
}

/** Play inputs through the rules as the runtime does; the n-th input that is a reading has position n. */
export function play (specs: readonly RuleSpec[], inputs: readonly Input[], options: PlayOptions = {}): Played {
  const out = new Outputs()
  let task = createTask(specs, options)
  let position = -1
  let batches = 0
  for (let from = 0; from < inputs.length;) {
    if (options.restarts) task = restarted(task, specs, options)
    const input = inputs[from]!
    if ('key' in input) {
      const cut = options.cut?.(batches) ?? 1
      const readings = inputs.slice(from, from + cut).filter(one => 'key' in one)
      const run = inputs.slice(from, from + readings.length).findIndex(one => !('key' in one))
      const taken = run < 0 ? readings : readings.slice(0, run)
      const batch = batchOf(task, taken, position + 1)
      task.clock.stamp(batch)
      for (const stage of task.stages) if (stage.window === null) stage.process(batch, out)
      position += taken.length
      from += taken.length
      batches += 1
      continue
    }
    from += 1
    if ('tick' in input) task.clock.tick(input.tick)
    if ('watermark' in input) task.clock.watermarkTo(input.watermark)
    for (const stage of task.stages) {
      if ('registry' in input) { if (stage.registryTable !== null) stage.registry(input.registry, input.present, momentOf(task, position), out) }
      else stage.advance(momentOf(task, position), out)
    }
  }
  if (options.drain) for (const stage of task.stages) stage.drain(momentOf(task, position), out)
  const events = out.events.map((event, i) => ({ event, i })).sort((a, b) => a.event.position - b.event.position || a.event.stage - b.event.stage || a.i - b.i).map(({ event }) => event)
  return { events, counts: out.counts, out }
}

/** `tooWarm a raised 30000`, one line per event. */
export function lines ({ events }: Played): string[] {
  return events.map(({ event: { rule: name, key, state, at, reason } }) => `${name} ${key} ${state} ${at}${reason === null ? '' : ` (${reason})`}`)
}

export interface WindowRow extends Reading { readonly start: number, readonly end: number, readonly closing?: boolean, readonly final?: boolean, readonly retraction?: boolean, readonly revision?: number, readonly position?: number }

/** Play rows of the window `minute`, one call per row unless `together`. `at` is the end. */
export function playWindows (specs: readonly RuleSpec[], rows: readonly Omit<WindowRow, 'at'>[], { restarts = false, together = false }: { readonly restarts?: boolean, readonly together?: boolean } = {}): Played {
  const out = new Outputs()
  let task = createTask(specs)
  const groups = together ? [rows] : rows.map(row => [row])
  let position = -1
  for (const group of groups) {
    if (restarts) task = restarted(task, specs, {})
    const batch = createWindowBatch(fields, group.length)
    for (const [row, given] of group.entries()) {
      const { closing = true, final = true, retraction = false, revision = 0 } = given
      fill(task, batch, row, { ...given, at: given.end }, position += 1)
      if (given.position !== undefined) batch.position[row] = given.position
      batch.start[row] = given.start
      batch.end[row] = given.end
      batch.closing[row] = closing ? 1 : 0
      batch.final[row] = final ? 1 : 0
      batch.retraction[row] = retraction ? 1 : 0
      batch.revision[row] = revision
      batch.expected[row] = Number.NaN
      batch.received[row] = 3
    }
    batch.count = group.length
    for (const stage of task.stages) if (stage.window === 'minute') stage.process(batch, out)
  }
  return { events: [...out.events], counts: out.counts, out }
}

export function restarted (task: Task, specs: readonly RuleSpec[], options: PlayOptions): Task {
  const next = createTask(specs, options)
  next.keys.restore(structuredClone(task.keys.snapshot()))
  next.clock.restore(structuredClone(task.clock.snapshot()))
  for (const [i, stage] of next.stages.entries()) {
    if (stage.hash !== task.stages[i]!.hash || stage.name !== task.stages[i]!.name) throw new Error('a stage of the same rule has the same name and hash')
    stage.restore(structuredClone(task.stages[i]!.snapshot()) as StateTree)
  }
  return next
}

export function momentOf ({ clock }: Task, position: number): Moment { return { watermark: clock.watermark, arrivalClock: clock.arrival, position } }

export function batchOf (task: Task, readings: readonly Reading[], firstPosition: number) {
  const batch = createBatch(fields, readings.length)
  for (const [row, reading] of readings.entries()) fill(task, batch, row, reading, firstPosition + row)
  batch.count = readings.length
  return batch
}

function fill ({ keys }: Task, batch: ReturnType<typeof createBatch>, row: number, reading: Reading, position: number): void {
  batch.key[row] = keys.internText(reading.key)
  batch.at[row] = reading.at
  batch.arrival[row] = reading.arrival ?? reading.at
  batch.position[row] = position
  for (const [i, { name }] of fields.entries()) {
    const column = batch.columns[i]!
    const value = reading[name] ?? null
    column.known[row] = value === null ? 0 : 1
    if (value !== null) put(column, row, value)
  }
}

function put (column: Column, row: number, value: number | boolean | string): void {
  if (column.kind === 'text') column.values[row] = column.dictionary.internText(value as string)
  else column.values[row] = Number(value)
}
