// Printed from the schema by `millrace types`; edit that instead.
import { contract } from '../contract.ts'

/** What a Polar unit sends: whole seconds, degrees Fahrenheit, the door as 0 or 1. */
export interface Polar {
  readonly unitId: string
  /** Seconds since the epoch by the unit's own clock. */
  readonly ts: number
  readonly seq: number
  /** Unit: [degF]. */
  readonly tempF: null | number
  /** Unit: [degF]. */
  readonly ambientF: number
  /** 1: open. */
  readonly door: number
  /** Unit: %. */
  readonly dutyPct: number
}

export const polar = contract<Polar>({
  subject: 'fleet.polar-value',
  version: 1,
  schema: { type: 'record', name: 'Polar', namespace: 'coldchain', doc: 'What a Polar unit sends: whole seconds, degrees Fahrenheit, the door as 0 or 1.', fields: [
    { name: 'unitId', type: 'string' },
    { name: 'ts', type: 'long', doc: 'Seconds since the epoch by the unit\'s own clock.' },
    { name: 'seq', type: 'int' },
    { name: 'tempF', type: ['null', 'double'], unit: '[degF]', default: null },
    { name: 'ambientF', type: 'double', unit: '[degF]' },
    { name: 'door', type: 'int', doc: '1: open.' },
    { name: 'dutyPct', type: 'int', unit: '%' },
  ] },
})
