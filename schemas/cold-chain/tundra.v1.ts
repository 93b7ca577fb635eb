// Printed from the schema by `millrace types`; edit that instead.
import { contract } from '../contract.ts'

/** What a Tundra unit sends: microseconds, kelvins, the door as an enum. */
export interface Tundra {
  readonly sn: string
  readonly measuredAt: number
  readonly n: number
  /** Unit: K. */
  readonly boxK: null | number
  /** Unit: K. */
  readonly airK: number
  readonly door: 'OPEN' | 'CLOSED'
  /** Unit: 1. */
  readonly duty: number
}

export const tundra = contract<Tundra>({
  subject: 'fleet.tundra-value',
  version: 1,
  schema: { type: 'record', name: 'Tundra', namespace: 'coldchain', doc: 'What a Tundra unit sends: microseconds, kelvins, the door as an enum.', fields: [
    { name: 'sn', type: 'string' },
    { name: 'measuredAt', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'n', type: 'long' },
    { name: 'boxK', type: ['null', 'double'], unit: 'K', default: null },
    { name: 'airK', type: 'double', unit: 'K' },
    { name: 'door', type: { type: 'enum', name: 'Door', symbols: ['OPEN', 'CLOSED'] } },
    { name: 'duty', type: 'double', unit: '1' },
  ] },
})
