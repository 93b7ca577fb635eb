import { type ControlEvent, controlEventCodec } from '../../schemas/control-event.ts'
import type { LogPort } from '../core/ports.ts'
import { RecordBatchWriter } from '../core/record-batch.ts'
import type { StateTree } from '../core/state.ts'
import type { Place } from '../runtime/lead.ts'
import { readAll } from '../runtime/journal.ts'
import { partitionOf } from '../core/murmur2.ts'
import type { Task } from '../runtime/task.ts'

/** The last event of each rule and key that a pipeline has said, as the control topic has it. */
export async function lastSaid (log: LogPort, topic: string, pipeline: string): Promise<readonly ControlEvent[]> {
  const last = new Map<string, ControlEvent>()
  for (let partition = 0; partition < ((await log.topic(topic))?.partitions ?? 0); partition += 1) {
    for await (const { value } of readAll(log, topic, partition, 0)) {
      const event = eventOf(value)
      if (event === null || event.pipeline !== pipeline || event.mode !== 'live') continue
      const name = JSON.stringify([event.rule, event.key])
      if ((last.get(name)?.ordinal ?? 0) < event.ordinal) last.set(name, event)
    }
  }
  return [...last.values()]
}

function eventOf (value: Uint8Array | null): ControlEvent | null { try { return value === null ? null : controlEventCodec.decode(value) } catch { return null } }

/** What ends alerts whose state is given up, so that none stays open unowned. */
export function clearing (said: readonly ControlEvent[], nowMs: number): readonly ControlEvent[] {
  return said.filter(({ state }) => state !== 'cleared').map(event => {
    const seq = event.seq + 1
    return { ...event, id: `${event.alertId}-${seq}`, seq, ordinal: event.ordinal + 1, state: 'cleared', reason: 'reset', summary: null, at: Math.max(event.raisedAt, event.at), arrivedAt: nowMs, expiresAt: null, values: {}, units: {}, window: null }
  })
}

/**
 * Let an empty task number its events on from what was said of its keys: readers act only above the last ordinal, and would not hear it otherwise.
 *
 * Limits: rules that the definition still has; keys that hash to the task's partition when the input has been given other partitions, else those it said
 */
export function numberOn (task: Task, said: readonly ControlEvent[], { place, rekey }: { readonly place: Place, readonly rekey: boolean }): void {
  const keys = new TextEncoder()
  const mine = said.filter(({ key, source }) => source.topic === place.topic && (source.partition === place.partition || (rekey && partitionOf(keys.encode(key), place.partitions) === place.partition)))
  for (const stage of task.stages.rules) {
    const numbered = mine.filter(({ rule }) => stage.name === `rule.${rule}`).map(({ key, ordinal }) => ({ id: task.keys.internText(key), ordinal })).filter(({ id }) => id >= 0).sort((a, b) => a.id - b.id)
    if (numbered.length === 0) continue
    const book: StateTree = {
      open: new Int32Array(0), seq: new Int32Array(0), raisedAt: new Float64Array(0), alertId: [], labels: [],
      ordinalKeys: Int32Array.from(numbered, ({ id }) => id), ordinals: Int32Array.from(numbered, ({ ordinal }) => ordinal),
    }
    stage.restore({ book })
  }
}

/** Say events on the control topic, each in its key's partition. */
export async function say (log: LogPort, topic: string, events: readonly ControlEvent[], encode: (event: ControlEvent) => { readonly key: Uint8Array | null, readonly value: Uint8Array, readonly headers: readonly (readonly [string, Uint8Array | null])[] }): Promise<void> {
  const partitions = (await log.topic(topic))!.partitions
  const writers = new Map<number, RecordBatchWriter>()
  for (const event of events) {
    const { key, value, headers } = encode(event)
    const partition = partitions === 1 || key === null ? 0 : partitionOf(key, partitions)
    const writer = writers.get(partition) ?? new RecordBatchWriter()
    writers.set(partition, writer)
    writer.append(Math.floor(event.arrivedAt), key, value, headers)
  }
  for (const [partition, writer] of writers) await log.append(topic, partition, writer.finish())
}
