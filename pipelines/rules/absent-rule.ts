import type { Batch } from '../core/batch.ts'
import { errorText } from '../core/errors.ts'
import { canonicalJson, hashText } from '../core/hash.ts'
import { grown } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { RuleSpec } from '../core/spec.ts'
import type { Moment, RuleStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { ExpressionField } from '../expression/compile.ts'
import { AlertBook, type Change } from './alert-book.ts'
import { type EventColumns, eventColumns } from './columns.ts'
import { factsOf } from './facts.ts'
import { LastTexts } from './last-texts.ts'
import { MomentHeap } from './moment-heap.ts'
import type { RuleStageOptions } from './options.ts'

export interface AbsentRuleOptions {
  readonly spec: RuleSpec & { readonly absentMs: number }
  readonly shared: RuleStageOptions
  readonly fields: readonly ExpressionField[]
  readonly number: number
}

/**
 * Never met, or left; heard within `absent`; silent for longer; awaited since it entered the registry, and overdue. Odd ones
 * wait in the heap, the even ones above 0 have an open alert and are the odd one before + 1.
 */
export const standings = { unknown: 0, heard: 1, silent: 2, awaited: 3, missed: 4 } as const
const isWaiting = (standing: number) => (standing & 1) === 1
const isOpen = (standing: number) => standing === standings.silent || standing === standings.missed

/**
 * A rule that raises when a key has been silent for `absent`.
 *
 * Shape:  readings and ticks -> raised once the arrival clock is at or past last heard + `absent`; cleared by the key's next reading
 * Units:  everything on the arrival clock: `at` of raised is the due moment, `at` of cleared the arrival that ended the silence
 * State:  last heard and standing by key id, the last text of each label, and a heap that holds each awaited key once
 * Late:   any reading that passes normalise counts as heard, however old its event time
 * Limits: a registry key beyond the bound of the key table is dead-lettered, RULE_STATE_FULL
 *
 * A reading first moves the clock, which may raise for any key (its own too: the silence is a fact of the log), then it is
 * heard. Several keys due are raised by due moment, then key id. With a `registry`, keys of the table are awaited from the
 * moment they enter it (or from the first arrival in the log), beside the keys heard; a key that leaves is forgotten, its
 * open alert cleared with reason `removed`, until it is heard or enters again.
 * A reading only stores its arrival: its key waits in the heap for an earlier moment, and is postponed when that comes.
 */
export class AbsentRule implements RuleStage {
  readonly name: string
  readonly hash: string
  readonly number: number
  readonly window = null
  readonly registryTable: string | null
  readonly #spec: RuleSpec & { readonly absentMs: number }
  readonly #shared: RuleStageOptions
  readonly #columns: EventColumns
  readonly #labels: LastTexts
  readonly #book: AlertBook
  readonly #heap = new MomentHeap(key => key)
  #standing = new Uint8Array(0)
  #heard = new Float64Array(0)
  #inHeap = new Uint8Array(0)
  /** Keys that were heard and are not silent. When these are all, and nothing is due, a batch is nothing but stores. */
  #heardCount = 0
  /** Moment of the heap's top, which is at most its due moment: until then nothing can be raised. */
  #next = Number.POSITIVE_INFINITY
  /** Registry keys that wait for the first arrival in the log. */
  #unstarted: number[] = []

  constructor ({ spec, shared, fields, number }: AbsentRuleOptions) {
    this.name = `rule.${spec.name}`
    this.number = number
    this.registryTable = spec.registry
    this.#spec = spec
    this.#shared = shared
    this.#columns = eventColumns(spec, fields, [])
    this.#labels = new LastTexts(this.#columns.labels)
    this.#book = new AlertBook(factsOf(spec, shared), number, shared.keys)
    this.hash = hashText(canonicalJson({ absentMs: spec.absentMs, registry: spec.registry }))
  }

  process (batch: Batch, out: Outputs): void {
    const { count, key, arrivalClock } = batch
    if (count === 0) return
    this.#ensure(this.#shared.keys.size)
    this.#start(arrivalClock[0]!)
    this.#labels.begin(batch)
    const labelled = this.#labels.some
    const heard = this.#heard
    const standing = this.#standing
    if (!labelled && this.#heardCount === this.#shared.keys.size && arrivalClock[count - 1]! < this.#next) {
      for (let row = 0; row < count; row += 1) heard[key[row]!] = arrivalClock[row]!
      return
    }
    for (let row = 0; row < count; row += 1) {
      const clock = arrivalClock[row]!
      if (clock >= this.#next) this.#expire(clock, batch.position[row]!, batch.arrival[row]!, out)
      const id = key[row]!
      heard[id] = clock
      if (labelled) this.#labels.store(batch, row)
      if (standing[id] !== standings.heard) this.#appear(batch, row, out)
    }
  }

  advance ({ arrivalClock, position }: Moment, out: Outputs): void {
    this.#start(arrivalClock)
    if (arrivalClock >= this.#next) this.#expire(arrivalClock, position, arrivalClock, out)
  }

  drain (): void {}

  registry (name: string, present: boolean, moment: Moment, out: Outputs): void {
    const { keys } = this.#shared
    const key = present ? keys.internText(name) : keys.find(name)
    if (key < 0) {
      if (present) this.#refuse(name, moment, out)
      return
    }
    this.#ensure(keys.size)
    if (!present) this.#leave(key, moment, out)
    else if (this.#standing[key] === standings.unknown && !this.#unstarted.includes(key)) {
      this.#unstarted.push(key)
      this.#start(moment.arrivalClock)
    }
  }

  snapshot (): StateTree {
    const { size } = this.#shared.keys
    return {
      book: this.#book.snapshot(),
      standing: this.#standing.slice(0, size),
      heard: this.#heard.slice(0, size),
      unstarted: Int32Array.from(this.#unstarted),
      labels: this.#labels.snapshot(size),
    }
  }

  /** Takes a snapshot of the same hash, or what `retireRule` left of another's. */
  restore (state: StateTree): void {
    this.#book.restore(state.book as StateTree)
    if (!state.standing) return
    const standing = state.standing as Uint8Array
    this.#standing = new Uint8Array(0)
    this.#ensure(standing.length)
    this.#standing.set(standing)
    this.#heardCount = standing.reduce((sum, how) => sum + Number(how === standings.heard), 0)
    this.#heard.set(state.heard as Float64Array)
    this.#inHeap.fill(0)
    this.#heap.clear()
    this.#next = Number.POSITIVE_INFINITY
    for (const [key, how] of standing.entries()) if (isWaiting(how)) this.#expect(key)
    this.#unstarted = [...state.unstarted as Int32Array]
    this.#labels.restore(state.labels as StateTree)
  }

  /** The first arrival in the log starts the clock of the registry's keys. */
  #start (clock: number): void {
    if (this.#unstarted.length === 0 || clock === Number.NEGATIVE_INFINITY) return
    for (const key of this.#unstarted) {
      this.#heard[key] = clock
      this.#stand(key, standings.awaited)
      this.#expect(key)
    }
    this.#unstarted = []
  }

  #stand (key: number, standing: number): void {
    this.#heardCount += Number(standing === standings.heard) - Number(this.#standing[key] === standings.heard)
    this.#standing[key] = standing
  }

  #expect (key: number): void {
    if (this.#inHeap[key] === 1) return
    this.#inHeap[key] = 1
    this.#heap.push(key, this.#heard[key]! + this.#spec.absentMs)
    this.#next = this.#heap.next
  }

  #expire (clock: number, position: number, arrivedAt: number, out: Outputs): void {
    const heap = this.#heap
    while (heap.next <= clock) {
      const key = heap.top
      const due = this.#heard[key]! + this.#spec.absentMs
      if (isWaiting(this.#standing[key]!) && due > heap.next) {
        heap.postpone(due)
        continue
      }
      heap.pop()
      this.#inHeap[key] = 0
      if (!isWaiting(this.#standing[key]!)) continue
      this.#stand(key, this.#standing[key]! + 1)
      const begin = `${position}@${due}#${this.#book.ordinal(key) + 1}`
      this.#book.raise(this.#change(key, position, arrivedAt, due), begin, this.#labels.textsOf(key), out)
    }
    this.#next = heap.next
  }

  /** A key is heard that was silent, or new. */
  #appear (batch: Batch, row: number, out: Outputs): void {
    const key = batch.key[row]!
    if (isOpen(this.#standing[key]!)) this.#book.clear(this.#change(key, batch.position[row]!, batch.arrival[row]!, batch.arrivalClock[row]!), null, out)
    this.#stand(key, standings.heard)
    this.#expect(key)
  }

  #leave (key: number, moment: Moment, out: Outputs): void {
    if (isOpen(this.#standing[key]!)) this.#book.clearFor(key, 'removed', moment, out)
    this.#stand(key, standings.unknown)
    this.#unstarted = this.#unstarted.filter(other => other !== key)
  }

  #change (key: number, position: number, arrivedAt: number, at: number): Change {
    const { summary } = this.#columns
    const text = this.#shared.keys.text(key)
    return { key, position, arrivedAt, at, offset: position, values: {}, units: {}, window: null, summary: summary && (labels => summary.render({ key: text, values: {}, labels })) }
  }

  #ensure (keyCount: number): void {
    this.#labels.ensure(keyCount)
    if (keyCount <= this.#standing.length) return
    this.#standing = grown(this.#standing, keyCount)
    this.#inHeap = grown(this.#inHeap, keyCount)
    this.#heard = grown(this.#heard, keyCount)
  }

  #refuse (key: string, { position, arrivalClock }: Moment, out: Outputs): void {
    const message = errorText('RULE_STATE_FULL', { rule: this.#spec.name, key, keysMax: this.#shared.keys.entriesMax })
    out.deadLetters.push({ position, stage: this.number, step: 'rule', reason: 'RULE_STATE_FULL', message, arrival: arrivalClock, schemaId: null, key: new TextEncoder().encode(key), value: null, headers: [] })
  }
}
