import type { BoolColumn, Column, NumberColumn, TextColumn } from '../core/batch.ts'
import { StreamError } from '../core/errors.ts'
import type { UserStatistic } from '../core/spec.ts'
import type { StateValue } from '../core/state.ts'
import type { ObjectKind } from './accumulate-objects.ts'
import type { Statistic } from './accumulator.ts'
import { valueAt } from './collect.ts'
import type { PaneStore } from './pane-store.ts'

/** The states stay behind the user's own functions: what they are is not known here. */
type State = unknown
interface Functions {
  readonly create: () => State
  readonly add: (state: State, value: unknown) => State
  readonly merge: (left: State, right: State) => State
  readonly result: (state: State) => unknown
}

/**
 * A statistic of the definition. Its state is plain data (null, booleans, numbers, texts, arrays and objects of these), so it can be
 * copied and kept in a snapshot; `add` and `merge` may change their first argument.
 *
 * Errors: WINDOW_STATISTIC when a function throws or a result is of another kind than declared
 */
export function userKind (statistic: UserStatistic): ObjectKind<State> {
  const { create, add, merge } = statistic as unknown as Functions
  return {
    create: () => guarded(statistic, 'create', create),
    add: (state, column, row) => guarded(statistic, 'add', () => add(state, valueAt(column, row))),
    merge: (left, right) => guarded(statistic, 'merge', () => merge(left, plainCopy(right))),
    copy: plainCopy,
    save: states => states.map(toText),
    load: saved => (saved as readonly string[]).map(fromText),
  }
}

export function userStatistic (statistic: UserStatistic, object: number): Statistic {
  const { create, result } = statistic as unknown as Functions
  const { kind = 'number' } = statistic
  return {
    finish ({ objects, objectStride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      for (let i = 0; i < count; i += 1) {
        const state = objects[slots[i]! * objectStride + object]
        const value = guarded(statistic, 'result', () => result(state === null ? create() : state))
        if (value !== null && typeof value !== (kind === 'bool' ? 'boolean' : kind === 'text' ? 'string' : 'number')) throw new StreamError('WINDOW_STATISTIC', { statistic: statistic.name, function: 'result', given: typeof value, wanted: kind })
        put(column, row + i, value as number | string | boolean | null)
      }
    },
  }
}

function put (column: Column, row: number, value: number | string | boolean | null): void {
  const isKnown = value !== null && !Number.isNaN(value)
  column.known[row] = isKnown ? 1 : 0
  if (column.kind === 'number') (column as NumberColumn).values[row] = isKnown ? value as number : Number.NaN
  else if (column.kind === 'bool') (column as BoolColumn).values[row] = value === true ? 1 : 0
  else if (isKnown) (column as TextColumn).values[row] = (column as TextColumn).dictionary.internText(value as string)
}

function guarded<Result> (statistic: UserStatistic, name: string, call: () => Result): Result {
  try {
    return call()
  } catch (cause) {
    throw new StreamError('WINDOW_STATISTIC', { statistic: statistic.name, function: name, reason: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}

function plainCopy (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainCopy)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainCopy(member)]))
  return value
}

/** JSON that keeps the numbers JSON has no form for. */
function toText (state: unknown): StateValue & string {
  return JSON.stringify(state, (_name, value: unknown) => {
    const isOdd = typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    return isOdd ? { '#number': Object.is(value, -0) ? '-0' : String(value) } : value
  }) ?? 'null'
}

function fromText (text: string): unknown {
  return JSON.parse(text, (_name, value: unknown) => {
    return typeof value === 'object' && value !== null && '#number' in value ? Number(value['#number']) : value
  })
}
