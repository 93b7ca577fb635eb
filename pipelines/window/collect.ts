import type { Column, TextColumn, ValueColumn } from '../core/batch.ts'
import type { StateTree, StateValue } from '../core/state.ts'
import type { ObjectKind } from './accumulate-objects.ts'
import type { Statistic } from './accumulator.ts'
import type { PaneStore } from './pane-store.ts'

type Value = number | string | boolean

/** The result of `collect`: values in order of arrival. `truncated` is set when there were more than the limit; the first to arrive are kept. */
export interface Collected extends Array<Value> { truncated?: true }

interface List { positions: number[], values: Value[], more: boolean }

/**
 * Values in order of arrival, the first `limit` of them. Positions stand beside them, so that lists of several slices join in the order in
 * which their readings came.
 */
export function collectKind (limit: number): ObjectKind<List> {
  return {
    create: () => ({ positions: [], values: [], more: false }),
    add (list, column, row, position) {
      if (list.values.length >= limit) list.more = true
      else {
        list.positions.push(position)
        list.values.push(valueAt(column, row))
      }
      return list
    },
    merge: (left, right) => merged(left, right, limit),
    copy: ({ positions, values, more }) => ({ positions: positions.slice(), values: values.slice(), more }),
    save: lists => ({
      lengths: Int32Array.from(lists, ({ values }) => values.length),
      more: Uint8Array.from(lists, ({ more }) => more ? 1 : 0),
      positions: Float64Array.from(lists.flatMap(({ positions }) => positions)),
      values: savedValues(lists.flatMap(({ values }) => values)),
    }),
    load (saved, count) {
      const { lengths, more, positions, values } = saved as StateTree & { lengths: Int32Array, more: Uint8Array, positions: Float64Array, values: Iterable<Value> }
      const all = [...values]
      let from = 0
      return Array.from({ length: count }, (_, i) => {
        const to = from + lengths[i]!
        const list = { positions: [...positions.subarray(from, to)], values: all.slice(from, to), more: more[i] === 1 }
        from = to
        return list
      })
    },
  }
}

export function collectStatistic (object: number): Statistic {
  return {
    finish ({ objects, objectStride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      const { values, known } = column as ValueColumn
      for (let i = 0; i < count; i += 1) {
        const list = objects[slots[i]! * objectStride + object] as List | null
        const result: Collected = list === null ? [] : list.values.slice()
        if (list?.more) result.truncated = true
        values[row + i] = result
        known[row + i] = 1
      }
    },
  }
}

export function valueAt (column: Column, row: number): Value {
  switch (column.kind) {
    case 'text': return (column as TextColumn).dictionary.text(column.values[row]!)
    case 'bool': return column.values[row] === 1
    default: return column.values[row] as number
  }
}

function savedValues (values: readonly Value[]): StateValue {
  return typeof values[0] === 'number' ? Float64Array.from(values as readonly number[]) : [...values]
}

function merged (left: List, right: List, limit: number): List {
  const union: List = { positions: [], values: [], more: left.more || right.more || left.values.length + right.values.length > limit }
  for (let l = 0, r = 0; union.values.length < limit && (l < left.values.length || r < right.values.length);) {
    const isLeft = r >= right.values.length || left.positions[l]! < right.positions[r]!
    const from = isLeft ? left : right
    const at = isLeft ? l++ : r++
    union.positions.push(from.positions[at]!)
    union.values.push(from.values[at]!)
  }
  return union
}
