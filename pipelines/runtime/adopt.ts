import { TaskClock } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'
import { KeyTable } from '../core/keys.ts'
import { Outputs } from '../core/outputs.ts'
import type { CloseChunks, RetireRule } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import { stageState, type Task } from './task.ts'

/** What makes an end of what a stage left open. */
export interface Endings { readonly retire: RetireRule, readonly closeChunks: CloseChunks }

/**
 * Hand the state of another definition to a task of this one, at one position.
 *
 * A stage of the same name and hash keeps its state. A rule that changed or went clears its open alerts with a reason, and its ordinals go on.
 * A new stage begins empty. A window or shared stage whose state cannot go on is refused, unless the user said to begin it anew. Where decode
 * begins anew, keys mean something else: every stage does then. Chunks that nobody goes on with are closed.
 *
 * Shape:  gives the events of cleared alerts and the closed chunks, to be committed before anything else
 * Errors: STATE_STAGE naming the stage
 */
export function adopt (task: Task, state: StateTree, { retire, closeChunks, reset }: Endings & { readonly reset: (stage: string) => boolean }): Outputs {
  const out = new Outputs()
  task.restoreShared(state)
  const rekeyed = isRekeyed(task, state, reset)
  const keys = rekeyed ? keysOf(state) : task.keys
  if (rekeyed) task.registered.clear()
  const { chunks } = task.stages
  const open = stageState(state, chunkStage)
  if (open !== null && (rekeyed || chunks?.hash !== open.hash)) closeChunks(open.state, keys, out)
  for (const stage of task.all) {
    const found = stageState(state, stage.name)
    if (found?.hash === stage.hash && !rekeyed) { stage.restore(found.state); continue }
    if (stage === chunks) continue
    if (found !== null && isRule(stage.name)) {
      const left = retire(found.state, { keys, number: stage.number, reason: 'rule changed' }, task.moment, out)
      if (!rekeyed) stage.restore(left)
    } else if (found !== null && !rekeyed && !stage.name.startsWith('rules.') && !reset(stage.name)) throw refusal(stage, found)
    if ('registryTable' in stage && stage.registryTable !== null) {
      for (const key of task.registered.get(stage.registryTable) ?? []) stage.registry(key, true, task.moment, out)
    }
  }
  const names = new Set(task.all.map(({ name }) => name))
  const last = task.all.at(-1)!.number
  for (const name of Object.keys(state.stages as StateTree)) {
    if (isRule(name) && !names.has(name)) retire(stageState(state, name)!.state, { keys, number: last + 1, reason: 'rule removed' }, task.moment, out)
  }
  return out
}

/**
 * The state of a source that the definition no longer has, put aside: its alerts are cleared, its chunks closed, its keys no longer registered. Should the source
 * come back, it goes on from here.
 */
export function putAside (state: StateTree, { retire, closeChunks }: Endings): { readonly state: StateTree, readonly out: Outputs } {
  const out = new Outputs()
  const keys = keysOf(state)
  const clock = new TaskClock({ latenessMs: 0, idleMs: Number.POSITIVE_INFINITY, explicit: true })
  clock.restore(state.clock as StateTree)
  const moment = { watermark: clock.watermark, arrivalClock: clock.arrival, position: (state.next as number) - 1 }
  const open = stageState(state, chunkStage)
  if (open !== null) closeChunks(open.state, keys, out)
  const stages = Object.entries(state.stages as StateTree).filter(([name]) => name !== chunkStage).map(([name, kept], number) => {
    const { hash, state: inner } = kept as { readonly hash: string, readonly state: StateTree }
    return [name, { hash, state: isRule(name) ? retire(inner, { keys, number, reason: 'rule removed' }, moment, out) : inner }] as const
  })
  return { state: { ...state, stages: Object.fromEntries(stages), registered: [] }, out }
}

const chunkStage = 'chunk'

/** Errors: STATE_STAGE when the key of the source has changed and nobody said to begin anew */
function isRekeyed (task: Task, state: StateTree, reset: (stage: string) => boolean): boolean {
  const { decode } = task.stages
  const found = stageState(state, decode.name)
  if (found === null || found.hash === decode.hash) return false
  if (!reset(decode.name)) throw refusal(decode, found)
  return true
}

function keysOf (state: StateTree): KeyTable {
  const kept = stageState(state, 'decode')!.state.keys as StateTree
  const keys = new KeyTable((kept.length as Int32Array).length)
  keys.restore(kept)
  return keys
}

const isRule = (stage: string) => stage.startsWith('rule.')
const refusal = (stage: { readonly name: string, readonly hash: string }, found: { readonly hash: string }) => new StreamError('STATE_STAGE', { stage: stage.name, state: found.hash, definition: stage.hash })
