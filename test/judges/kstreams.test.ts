import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WindowSpec } from '../../pipelines/core/spec.ts'
import { type Emitted, playWindow, type Step } from '../kit/window-driver.ts'
import { judgeCases } from './judge-files.ts'

interface Case {
  readonly id: string
  readonly op: { readonly kind: 'tumbling' | 'hopping' | 'session' | 'sliding', readonly emit: 'update' | 'final' | 'suppress', readonly graceMs: number, readonly sizeMs: number, readonly advanceMs: number, readonly gapMs: number }
  readonly inputs: readonly (readonly [string, number, number])[]
  /** Per input: [key@start/end, values joined by + after an initial 0 (merged sessions by |), timestamp]. */
  readonly outputs: readonly (readonly (readonly [string, string | null, number])[])[]
}

const { cases, skip } = judgeCases<Case>('kstreams/kstreams-4.1.0-windows.jsonl')
const signals = [{ name: 'value', kind: 'number', unit: null }] as const

function specOf ({ kind, emit, sizeMs, advanceMs, gapMs }: Case['op']): WindowSpec {
  const shape = kind === 'session' ? { kind, gapMs } as const : kind === 'hopping' ? { kind, sizeMs, advanceMs } as const : { kind: 'tumbling', sizeMs } as const
  return {
    name: 'judged', shape, emit: { mode: emit === 'update' ? 'update' : 'close' }, allowedLatenessMs: 0, intervalMs: null, panesMax: 1_000,
    keep: [{ name: 'list', statistic: { kind: 'collect', signal: 'value', limit: 1_000 } }],
  }
}

/** Values in order of arrival, which are numbers that rise: a merged session of Kafka Streams has them in order of its parts. */
const valuesOf = (text: string) => text.split('|').flatMap(part => part.split('+').slice(1)).map(Number)

/** What Kafka Streams said, as ours: a session ends a gap after its last reading; a null for what is said anew in the same step says nothing. */
function wanted ({ op, outputs }: Case): string[][] {
  return outputs.map(step => {
    const anew = new Set(step.filter(([, value]) => value !== null).map(([window]) => window))
    return step.filter(([window, value]) => value !== null || !anew.has(window)).map(([window, value]) => {
      const [, key, start, end] = /^(.*)@(-?\d+)\/(-?\d+)$/.exec(window)!
      const values = value === null ? null : op.kind === 'session' ? valuesOf(value).sort((a, b) => a - b) : valuesOf(value)
      return `${key}@${start}/${Number(end) + (op.kind === 'session' ? op.gapMs : 0)}=${values?.join('+') ?? 'null'}`
    }).sort()
  })
}

function said (emitted: readonly (readonly Emitted[])[], emit: Case['op']['emit']): string[][] {
  return emitted.map(step => step.flatMap(row => {
    if (row.kind !== 'window' || (emit === 'update' && row.final)) return []
    return [`${row.key}@${row.start}/${row.end}=${row.retraction ? 'null' : (row.values.list as number[]).join('+')}`]
  }).sort())
}

for (const kind of ['tumbling', 'hopping', 'session'] as const) {
  for (const emit of ['update', 'final', 'suppress'] as const) {
    test(`Kafka Streams: ${kind} windows, ${emit}, give its results, in any batches and with restarts`, { skip }, () => {
      const some = cases.filter(({ op }) => op.kind === kind && op.emit === emit)
      assert(some.length > 50)
      for (const one of some) {
        const steps: Step[] = one.inputs.map(([key, value, at]) => ({ key, at, values: { value } }))
        const plain = playWindow(specOf(one.op), steps, { signals, latenessMs: one.op.graceMs })
        assert.deepEqual(said(plain, emit), wanted(one), one.id)
        for (const how of [{ restarts: true }, { batchRows: 7 }, { batchRows: 4096 }, { batchRows: 3, restarts: true }]) {
          assert.deepEqual(playWindow(specOf(one.op), steps, { signals, latenessMs: one.op.graceMs, ...how }), plain, `${one.id} ${JSON.stringify(how)}`)
        }
      }
    })
  }
}
