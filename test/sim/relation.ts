import assert from 'node:assert/strict'
import type { Batch } from '../../pipelines/core/batch.ts'
import type { KeyTable } from '../../pipelines/core/keys.ts'
import type { Outputs } from '../../pipelines/core/outputs.ts'
import type { CompiledPipeline, RuleStage, TaskContext } from '../../pipelines/core/stage.ts'
import type { StateTree } from '../../pipelines/core/state.ts'
import { type CheckedDefinition, compileDefinition, definePipeline } from '../../pipelines/define/public.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import { contract } from '../../schemas/contract.ts'

interface Datum { readonly key: string, readonly ts: number, readonly value: number }
export const datumAvro = JSON.stringify({ type: 'record', name: 'Datum', fields: [{ name: 'key', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'value', type: 'int' }] })
const datum = contract<Datum>({ subject: 'datum-value', version: 1, schema: datumAvro })
export const encodeDatum = createEncoder(datumAvro, 1)

/** Of each record: itself, and the least and the sum of all values of its key so far. */
interface Told { readonly echo: number, readonly min: number, readonly sum: number }

/** Nothing but sources and a control topic: what there is to tell comes from the stage below. */
export const relationDefinition = (delivery: 'exactly-once' | 'express'): CheckedDefinition => definePipeline({
  name: 'sim',
  signals: { value: 'number' },
  sources: { north: source('sim.north'), south: source('sim.south') },
  time: { lateness: '1s', idle: '1d' },
  control: { topic: 'sim.control', delivery },
})
const source = (topic: string) => ({ topic, contract: datum, key: 'key', time: { field: 'ts' }, normalise: { value: { field: 'value' } } } as const)

/** The definition with one more rule, which tells of every record. */
export function relationPipeline (definition: CheckedDefinition): CompiledPipeline {
  const compiled = compileDefinition(definition)
  return { ...compiled, createStages: context => {
    const stages = compiled.createStages(context)
    return { ...stages, rules: [...stages.rules, new EchoMinSum(stages.decode.keys, context)] }
  } }
}

/**
 * Kafka's own exactly-once judge as a stage.
 *
 * State:  least and sum by key id
 * Source: org.apache.kafka.streams.tests.SmokeTestClient's echo, min and sum; see the judges
 */
class EchoMinSum implements RuleStage {
  readonly name = 'rule.relation'
  readonly hash = '1'
  readonly number = 90
  readonly window = null
  readonly registryTable = null
  readonly #keys: KeyTable
  readonly #context: TaskContext
  #min: number[] = []
  #sum: number[] = []

  constructor (keys: KeyTable, context: TaskContext) {
    this.#keys = keys
    this.#context = context
  }

  process (batch: Batch, out: Outputs): void {
    const column = batch.columns.find(({ name }) => name === 'value')!
    for (let row = 0; row < batch.count; row += 1) {
      const key = batch.key[row]!
      const echo = column.values[row] as number
      const min = this.#min[key] = Math.min(this.#min[key] ?? Number.POSITIVE_INFINITY, echo)
      const sum = this.#sum[key] = (this.#sum[key] ?? 0) + echo
      this.#tell(batch, row, { echo, min, sum }, out)
    }
  }

  advance (): void {}
  drain (): void {}
  registry (): void {}

  snapshot (): StateTree { return { min: Float64Array.from(this.#min), sum: Float64Array.from(this.#sum) } }

  restore ({ min, sum }: StateTree): void {
    this.#min = [...min as Float64Array]
    this.#sum = [...sum as Float64Array]
  }

  #tell ({ key, position, arrival }: Batch, row: number, values: Told, out: Outputs): void {
    const { topic, partition, mode } = this.#context
    const name = this.#keys.text(key[row]!)
    const id = `${topic}/${partition}/${position[row]}`
    out.events.push({ position: position[row]!, stage: this.number, event: {
      id, alertId: id, seq: 1, ordinal: 1, pipeline: 'sim', rule: 'relation', ruleVersion: '1', key: name, state: 'raised', severity: 'info', reason: null, labels: {}, summary: null,
      at: arrival[row]!, raisedAt: arrival[row]!, arrivedAt: arrival[row]!, expiresAt: null, mode, values: { ...values }, units: {}, window: null, source: { topic, partition, offset: position[row]! },
    } })
  }
}

/** What the judge holds: of every record sent, in its order, one of each, right. */
export function judge (sent: readonly { readonly key: string, readonly value: number }[], told: readonly { readonly key: string, readonly values: Told }[], where: string): void {
  const states = new Map<string, { min: number, sum: number }>()
  for (const [at, { key, value }] of sent.entries()) {
    const { min, sum } = states.get(key) ?? { min: Number.POSITIVE_INFINITY, sum: 0 }
    const now = { min: Math.min(min, value), sum: sum + value }
    states.set(key, now)
    assert.deepEqual(told[at] && { key: told[at].key, ...told[at].values }, { key, echo: value, ...now }, `${where}: record ${at} of ${sent.length}, ${told.length} told`)
  }
  assert.equal(told.length, sent.length, `${where}: all told once`)
}
