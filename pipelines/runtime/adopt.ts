import { StreamError } from '../core/errors.ts'
import { Outputs } from '../core/outputs.ts'
import type { RetireRule } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import { stageState, type Task } from './task.ts'

/**
 * Hand the state of another definition to a task of this one, at one position.
 *
 * A stage of the same name and hash keeps its state. A rule that changed or went clears its open alerts with a reason, and its ordinals go on.
 * A new stage begins empty. A window or shared stage whose state cannot go on is refused, unless the user said to begin it anew.
 *
 * Shape:  gives the events of cleared alerts, to be committed before anything else
 * Errors: STATE_STAGE naming the stage
 */
export function adopt (task: Task, state: StateTree, { retire, reset }: { readonly retire: RetireRule, readonly reset: (stage: string) => boolean }): Outputs {
  const out = new Outputs()
  const { keys } = task
  task.restoreShared(state)
  for (const stage of task.all) {
    const found = stageState(state, stage.name)
    if (found?.hash === stage.hash) { stage.restore(found.state); continue }
    if (found !== null && stage.name.startsWith('rule.')) stage.restore(retire(found.state, { keys, number: stage.number, reason: 'rule changed' }, task.moment, out))
    else if (found !== null && !stage.name.startsWith('rules.') && !reset(stage.name)) throw new StreamError('STATE_STAGE', { stage: stage.name, state: found.hash, definition: stage.hash })
    if ('registryTable' in stage && stage.registryTable !== null) {
      for (const key of task.registered.get(stage.registryTable) ?? []) stage.registry(key, true, task.moment, out)
    }
  }
  const names = new Set(task.all.map(({ name }) => name))
  const last = task.all.at(-1)!.number
  for (const name of Object.keys(state.stages as StateTree)) {
    if (name.startsWith('rule.') && !names.has(name)) retire(stageState(state, name)!.state, { keys, number: last + 1, reason: 'rule removed' }, task.moment, out)
  }
  return out
}
