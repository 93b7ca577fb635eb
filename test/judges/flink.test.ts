import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WindowSpec } from '../../pipelines/core/spec.ts'
import { type Emitted, playWindow, type Step } from '../kit/window-driver.ts'
import { judgeCases } from './judge-files.ts'

interface Case {
  readonly id: string
  readonly op: { readonly kind: 'tumbling' | 'hopping' | 'session', readonly latenessMs: number, readonly sizeMs: number, readonly advanceMs: number, readonly gapMs: number }
  readonly events: readonly (readonly ['e', string, string, number] | readonly ['w', number])[]
  /** Per event, sorted: key@start/end=values joined by +,timestamp; or LATE key=value. */
  readonly outputs: readonly (readonly string[])[]
}

const { cases, skip } = judgeCases<Case>('flink/flink-1.20.1-windows-600.jsonl')
const signals = [{ name: 'value', kind: 'number', unit: null }] as const

function specOf ({ kind, sizeMs, advanceMs, gapMs, latenessMs }: Case['op']): WindowSpec {
  const shape = kind === 'session' ? { kind, gapMs } as const : kind === 'hopping' ? { kind, sizeMs, advanceMs } as const : { kind: 'tumbling', sizeMs } as const
  return {
    name: 'judged', shape, emit: { mode: 'close' }, allowedLatenessMs: latenessMs, intervalMs: null, panesMax: 1_000,
    keep: [{ name: 'list', statistic: { kind: 'collect', signal: 'value', limit: 1_000 } }],
  }
}

/** Values are numbers that rise in order of arrival; Flink lists those of a merged session part by part. */
function wanted ({ op, outputs }: Case): string[][] {
  return outputs.map(step => step.map(line => {
    const [, window, values] = /^(.*@.*)=([\d+]+),-?\d+$/.exec(line) ?? []
    if (window === undefined) return line
    return `${window}=${op.kind === 'session' ? values!.split('+').map(Number).sort((a, b) => a - b).join('+') : values}`
  }).sort())
}

function said (emitted: readonly (readonly Emitted[])[], events: Case['events']): string[][] {
  return emitted.map(step => step.flatMap(row => {
    if (row.kind === 'late') return [`LATE ${row.key}=${events[Number(row.value)]![2]}`]
    return row.kind === 'window' && !row.retraction ? [`${row.key}@${row.start}/${row.end}=${(row.values.list as number[]).join('+')}`] : []
  }).sort())
}

for (const kind of ['tumbling', 'hopping', 'session'] as const) {
  test(`Flink: ${kind} windows under watermarks and allowed lateness give its results, in any batches and with restarts`, { skip }, () => {
    const some = cases.filter(({ op }) => op.kind === kind)
    assert(some.length > 100)
    for (const one of some) {
      const steps: Step[] = one.events.map(event => event[0] === 'w' ? { watermark: event[1] + 1 } : { key: event[1], at: event[3], values: { value: Number(event[2]) } })
      const plain = playWindow(specOf(one.op), steps, { signals, explicit: true })
      assert.deepEqual(said(plain, one.events), wanted(one), one.id)
      for (const how of [{ restarts: true }, { batchRows: 7 }, { batchRows: 4096 }, { batchRows: 3, restarts: true }]) {
        assert.deepEqual(playWindow(specOf(one.op), steps, { signals, explicit: true, ...how }), plain, `${one.id} ${JSON.stringify(how)}`)
      }
    }
  })
}
