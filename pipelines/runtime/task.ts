import { TaskClock } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'
import type { JournalContent, SchemaName } from '../core/journal.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { JournalSink, Moment, RuleStage, TaskStages, WindowStage } from '../core/stage.ts'
import type { Stateful, StateTree } from '../core/state.ts'
import type { Batch } from '../core/batch.ts'

/** What a task takes beside its input. */
export type TaskControl = Exclude<JournalContent, { kind: 'definition' }>

/** What a step came to: rows were processed, the loaded bytes are used up, or a schema must be answered first. */
export type Step = 'rows' | 'end' | 'schema'

/**
 * One partition of one source on its way through every stage.
 *
 * Shape:  load, then step until 'end', or until 'schema' and park; after each step the outputs are taken and cleared. Between loads: control, drain, snapshot
 * State:  that of the stages and of the clock; nothing else
 * Errors: STATE_STAGE when a snapshot was taken with other stages
 */
export class Task implements Stateful {
  readonly stages: TaskStages
  readonly clock: TaskClock
  /** Signals of the last call, for those who show or store readings; null where it gave none. */
  signals: Batch | null = null
  readonly #windows: ReadonlyMap<string, WindowStage>
  /** Offset of the next record. */
  #next = 0
  /** Keys that rules were told of, by registry table. */
  readonly registered = new Map<string, Set<string>>()

  constructor (stages: TaskStages) {
    this.stages = stages
    this.clock = new TaskClock(stages.clock)
    this.#windows = new Map(stages.windows.map(window => [window.name.replace(/^window\./, ''), window]))
  }

  get keys (): KeyTable { return this.stages.decode.keys }
  get position (): number { return this.#next }
  get schemaWanted (): SchemaName | null { return this.stages.decode.schemaWanted }

  /** Take record batches; of their records, those with from <= offset < to. */
  load (bytes: Uint8Array, from: number, to: number): void {
    this.stages.decode.load(bytes, from, to)
    this.#next = to
  }

  /** Stand before the record whose schema is wanted, as if nothing from it on had been loaded. */
  park (): void {
    const { decode } = this.stages
    this.#next = decode.schemaWantedAt
    decode.unload()
  }

  /** Process the next rows of what was loaded. */
  step (out: Outputs, journal: JournalSink | null): Step {
    const { decode, normalise } = this.stages
    this.signals = null
    const batch = decode.next(out)
    if (batch === null) return decode.schemaWanted === null ? 'end' : 'schema'
    this.#signals(normalise.process(batch, out, journal), out)
    return 'rows'
  }

  /** Readings as they were stored, in place of the records up to `next` that they were made from. `batch` has every signal, and keys of this task. */
  readings (batch: Batch, next: number, out: Outputs): void {
    this.#next = next
    this.#signals(batch, out)
  }

  /** Something that is not in the source log: see JournalContent. A changed definition needs another task: see `adopt`. */
  control (content: TaskControl, out: Outputs): void {
    this.signals = null
    switch (content.kind) {
      case 'tick':
        this.clock.tick(content.arrival)
        this.#advance(out)
        break
      case 'watermark':
        this.clock.watermarkTo(content.at)
        this.#advance(out)
        break
      case 'lookup':
        this.stages.normalise.lookup(content)
        break
      case 'schema':
        this.stages.decode.schema(content.id, content.schema)
        break
      case 'registry':
        this.#register(content.table, content.key, content.present)
        for (const rule of this.stages.rules) {
          if (rule.registryTable === content.table) rule.registry(content.key, content.present, this.moment, out)
        }
    }
  }

  /** End of a bounded input: everything open closes, nothing absent fires. */
  drain (out: Outputs): void {
    this.signals = null
    const { moment } = this
    for (const window of this.stages.windows) window.drain(moment, out)
    for (const rule of this.stages.rules) {
      this.#rule(rule, null, out)
      rule.drain(moment, out)
    }
    this.stages.chunks?.drain(out)
  }

  get moment (): Moment { return { watermark: this.clock.watermark, arrivalClock: this.clock.arrival, position: this.#next - 1 } }

  snapshot (): StateTree {
    const stages = Object.fromEntries(this.all.map(stage => [stage.name, { hash: stage.hash, state: stage.snapshot() }]))
    const registered = [...this.registered].map(([table, keys]) => [table, ...keys])
    return { next: this.#next, clock: this.clock.snapshot(), stages, registered }
  }

  restore (state: StateTree): void {
    this.restoreShared(state)
    for (const stage of this.all) {
      const found = stageState(state, stage.name)
      if (found === null || found.hash !== stage.hash) throw new StreamError('STATE_STAGE', { stage: stage.name, state: found?.hash ?? null, definition: stage.hash })
      stage.restore(found.state)
    }
  }

  /** What belongs to no stage: position, clocks, registered keys. */
  restoreShared (state: StateTree): void {
    this.#next = state.next as number
    this.clock.restore(state.clock as StateTree)
    this.registered.clear()
    for (const [table, ...keys] of state.registered as readonly (readonly string[])[]) this.registered.set(table!, new Set(keys))
  }

  /** Every stage in the order of the data. */
  get all () {
    const { decode, normalise, windows, rules, chunks } = this.stages
    return [decode, normalise, ...windows, ...rules, ...chunks === null ? [] : [chunks]]
  }

  #signals (signals: Batch, out: Outputs): void {
    const { windows, rules, chunks } = this.stages
    this.signals = signals
    this.clock.stamp(signals)
    if (signals.count === 0) return
    for (const window of windows) window.process(signals, out)
    for (const rule of rules) this.#rule(rule, signals, out)
    chunks?.process(signals, out)
  }

  #register (table: string, key: string, present: boolean): void {
    const keys = this.registered.get(table) ?? new Set()
    if (present) keys.add(key)
    else keys.delete(key)
    this.registered.set(table, keys)
  }

  #advance (out: Outputs): void {
    const { moment } = this
    for (const window of this.stages.windows) window.advance(moment, out)
    for (const rule of this.stages.rules) {
      this.#rule(rule, null, out)
      rule.advance(moment, out)
    }
    this.stages.chunks?.advance(moment, out)
  }

  /** A rule on a window sees the window's rows of this step, any other one the readings. */
  #rule (rule: RuleStage, signals: Batch | null, out: Outputs): void {
    if (rule.window === null) {
      if (signals !== null) rule.process(signals, out)
      return
    }
    const { rows } = this.#windows.get(rule.window)!
    if (rows.count > 0) rule.process(rows, out)
  }
}

/** A stage's part of a task's snapshot. */
export function stageState (task: StateTree, name: string): { readonly hash: string, readonly state: StateTree } | null {
  const stages = task.stages as { readonly [name: string]: { readonly hash: string, readonly state: StateTree } }
  return stages[name] ?? null
}
