import type { LakeLayout } from '../../pipelines/core/lake-ports.ts'

/** Trucks with a number, a bool and a text; no windows. */
export const trucks: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'millrace', rawMode: 'rows', intervalMs: 1_000, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, windows: [],
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'depot', kind: 'text', unit: null }],
}
