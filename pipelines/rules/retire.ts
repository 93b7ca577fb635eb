import type { KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { Moment } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import { standings } from './absent-rule.ts'
import { AlertBook, type RuleFacts } from './alert-book.ts'

export interface RetireOptions {
  /** The task's key table, already restored: the state names keys by its ids. */
  readonly keys: KeyTable
  /** Stage number for the order of outputs; that of the successor, or any behind the other stages. */
  readonly number: number
  readonly reason: 'rule removed' | 'rule changed'
}

/**
 * Clear every open alert of a rule that is gone or whose state cannot go on, so that nothing stays open unowned.
 *
 * Call it with the old stage's snapshot when no stage of the new definition has its name ('rule removed') or the one that has
 * it shows another `hash` ('rule changed'). A stage of the same hash takes the whole snapshot and so carries its alerts over;
 * later events then bear the new version, severity and ttl.
 *
 * Shape: gives what a successor may be restored with: it starts afresh, but its ordinals go on from the old rule's, and an
 *        absent rule still knows when each key was last heard (keys of a registry enter anew).
 *        State kept under `rules.*` holds no alerts: give it to a stage of the same name and hash, else drop it
 */
export function retireRule (state: StateTree, { keys, number, reason }: RetireOptions, moment: Moment, out: Outputs): StateTree {
  const kept = state.book as StateTree
  const book = new AlertBook(kept.facts as unknown as RuleFacts, number, keys)
  book.restore(kept)
  for (const key of book.openKeys()) book.clearFor(key, reason, moment, out)
  if (!state.standing) return { book: book.snapshot() }
  const standing = (state.standing as Uint8Array).map(how => how === standings.heard || how === standings.silent ? standings.heard : standings.unknown)
  return { ...state, book: book.snapshot(), standing, unstarted: new Int32Array(0) }
}
