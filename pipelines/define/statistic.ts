import type { UserStatistic } from '../core/spec.ts'

/** A statistic of the user's own: pure, and mergeable so that panes share their slices. `State` is plain data (numbers, texts, arrays, objects). */
export interface StatisticParts<Value, State> {
  /** Kind of the result; default number. */
  readonly kind?: 'number' | 'bool' | 'text'
  readonly create: () => State
  /** The state with one value more; a new object or the old one changed. */
  readonly add: (state: State, value: Value) => State
  /** Two states as one, the earlier readings on the left. */
  readonly merge: (left: State, right: State) => State
  readonly result: (state: State) => number | string | boolean | null
}

/**
 * Type the parts of a statistic. Export it by the name that `keep` uses, from the file that `functions` names.
 *
 * Shape: `export const spread = statistic<number, { low: number, high: number }>({ create, add, merge, result })`
 */
export function statistic<Value extends number | string | boolean, State> (parts: StatisticParts<Value, State>): Omit<UserStatistic, 'name'> {
  return parts as unknown as Omit<UserStatistic, 'name'>
}
