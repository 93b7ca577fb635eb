import { closeChunks } from '../../../pipelines/chunk/stage.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import type { StateTree } from '../../../pipelines/core/state.ts'
import type { TableRow, TableView } from '../../../pipelines/core/table.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { compileDefinition, definePipeline } from '../../../pipelines/define/public.ts'
import { retireRule } from '../../../pipelines/rules/retire.ts'
import { adopt } from '../../../pipelines/runtime/adopt.ts'
import { inOrder } from '../../../pipelines/runtime/order.ts'
import { decodeState, encodeState } from '../../../pipelines/runtime/state-codec.ts'
import { Task } from '../../../pipelines/runtime/task.ts'
import { contract } from '../../../schemas/contract.ts'
import { text } from './kit.ts'

export interface Reading { readonly id: string, readonly site: string, readonly ts: number, readonly value: number }
const avro = { type: 'record', name: 'Reading', fields: [{ name: 'id', type: 'string' }, { name: 'site', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'value', type: 'double' }] }
const deviceAvro = { type: 'record', name: 'Device', fields: [{ name: 'device', type: 'string' }] }
const reading = contract<Reading>({ subject: 'reading-value', version: 1, schema: avro })
const devices = contract<{ device: string }>({ subject: 'device-value', version: 1, schema: deviceAvro })
const encode = createEncoder(JSON.stringify(avro), 1)

/** A reading in short; the site is Oslo unless said. */
export type Row = readonly [id: string, ts: number, value: number, site?: string]

/** Words that tests change. */
export interface Words { readonly key?: 'id' | 'site', readonly rules?: object, readonly windows?: object, readonly dedupe?: object, readonly name?: string }

export function pipelineOf ({ key = 'id', rules = { hot: { when: 'value > 10.0' } }, windows = {}, dedupe, name = 'edited' }: Words = {}) {
  return compileDefinition(definePipeline({
    name, source: { contract: reading }, key, time: { field: 'ts' }, ...dedupe && { dedupe }, signals: { value: 'number' },
    tables: { devices: { topic: 'devices', contract: devices, key: 'device' } }, windows, rules,
  } as never))
}

/** A task of a pipeline in memory, without a log. */
export class Player {
  readonly task: Task
  readonly #out = new Outputs()

  constructor (words: Words = {}) {
    const pipeline = pipelineOf(words)
    const table: TableView = { name: 'devices', version: 1, get: (): TableRow | undefined => undefined, keys: () => [] }
    this.task = new Task(pipeline.createStages({ leg: 'race', source: pipeline.sources[0]!.name, topic: 't', partition: 0, mode: 'live', tables: new Map([['devices', table]]) }))
    this.task.stages.decode.schema(1, reading.schema)
  }

  /** Readings of one value per second; gives the events as lines. */
  play (...readings: readonly Row[]): string[] {
    const writer = new RecordBatchWriter()
    for (const [id, ts, value, site = 'oslo'] of readings) writer.append(ts, text(id), encode({ id, site, ts, value }))
    const from = this.task.position
    this.task.load(writer.finish(from).slice(), from, from + readings.length)
    const said: string[] = []
    for (let step = this.task.step(this.#out, () => {}); step !== 'end'; step = this.task.step(this.#out, () => {})) said.push(...this.take())
    return [...said, ...this.take()]
  }

  tick (arrival: number): string[] { this.task.control({ kind: 'tick', arrival }, this.#out); return this.take() }
  register (key: string, present = true): string[] { this.task.control({ kind: 'registry', table: 'devices', key, present }, this.#out); return this.take() }

  take (out = this.#out): string[] {
    const said = inOrder(out.events).map(({ event: { rule, key, state, ordinal, seq, reason } }) => `${rule} ${key} ${state} #${ordinal}.${seq}${reason === null ? '' : ` ${reason}`}`)
    out.clear()
    return said
  }

  /** As it would come back from disk. */
  get state (): StateTree { return decodeState(encodeState(this.task.snapshot())) }

  /** Take the state of another definition; gives what that clears. */
  adopt (state: StateTree, reset: (stage: string) => boolean = () => false): string[] {
    return this.take(adopt(this.task, state, { retire: retireRule, closeChunks, reset }))
  }
}
