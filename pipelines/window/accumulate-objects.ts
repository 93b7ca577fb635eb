import type { Batch, Column } from '../core/batch.ts'
import type { StateValue } from '../core/state.ts'
import type { Accumulator, ObjectCodec, Place } from './accumulator.ts'
import type { PaneStore } from './pane-store.ts'

/** One kind of object that panes keep: a list, a sketch, the state of a user's statistic. */
export interface ObjectKind<State> {
  readonly create: () => State
  /** The object after another known value; it may be the same one, changed. */
  readonly add: (state: State, column: Column, row: number, position: number) => State
  /** The union, `right` unchanged. `left` may be the result. */
  readonly merge: (left: State, right: State) => State
  readonly copy: (state: State) => State
  readonly save: (states: readonly State[]) => StateValue
  readonly load: (saved: StateValue, count: number) => State[]
}

/** Keeps one object a pane, made at its first known value. */
export class Objects<State> implements Accumulator {
  readonly template: readonly number[] = []
  readonly objects = 1
  readonly objectCodec: ObjectCodec
  readonly #column: number
  readonly #object: number
  readonly #kind: ObjectKind<State>

  constructor ({ column, object }: Place, kind: ObjectKind<State>) {
    this.#column = column
    this.#object = object
    this.#kind = kind
    this.objectCodec = { at: object, save: objects => saveSome(kind, objects as readonly (State | null)[]), load: (state, count) => loadSome(kind, state as SavedSome, count) }
  }

  update ({ objects, objectStride }: PaneStore, batch: Batch, slots: Int32Array, from: number, to: number): void {
    const column = batch.columns[this.#column]!
    const { known } = column
    const kind = this.#kind
    for (let row = from; row < to; row += 1) {
      if (known[row] === 0 || slots[row] === 0 || (column.kind === 'number' && Number.isNaN(column.values[row]!))) continue
      const at = slots[row]! * objectStride + this.#object
      const state = objects[at] as State | null
      objects[at] = kind.add(state ?? kind.create(), column, row, batch.position[row]!)
    }
  }

  merge ({ objects, objectStride }: PaneStore, into: Int32Array, from: Int32Array, count: number): void {
    const kind = this.#kind
    for (let i = 0; i < count; i += 1) {
      const right = objects[from[i]! * objectStride + this.#object] as State | null
      if (right === null) continue
      const at = into[i]! * objectStride + this.#object
      const left = objects[at] as State | null
      objects[at] = left === null ? kind.copy(right) : kind.merge(left, right)
    }
  }

  adopt ({ objects, objectStride }: PaneStore, into: Int32Array, from: Int32Array, count: number): void {
    for (let i = 0; i < count; i += 1) {
      const state = objects[from[i]! * objectStride + this.#object] as State | null
      objects[into[i]! * objectStride + this.#object] = state === null ? null : this.#kind.copy(state)
    }
  }
}

type SavedSome = { readonly present: Uint8Array, readonly states: StateValue }

function saveSome<State> (kind: ObjectKind<State>, objects: readonly (State | null)[]): StateValue {
  return { present: Uint8Array.from(objects, object => object === null ? 0 : 1), states: kind.save(objects.filter(object => object !== null)) }
}

function loadSome<State> (kind: ObjectKind<State>, { present, states }: SavedSome, count: number): (State | null)[] {
  const loaded = kind.load(states, present.reduce((sum, one) => sum + one, 0))
  let next = 0
  return Array.from({ length: count }, (_, i) => present[i] === 1 ? loaded[next++]! : null)
}
