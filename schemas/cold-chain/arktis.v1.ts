// Printed from the schema by `millrace types`; edit that instead.
import { contract } from '../contract.ts'

/** What an Arktis unit sends: milliseconds, degrees Celsius, the door as a boolean. */
export interface Arktis {
  readonly device: string
  readonly time: number
  readonly counter: number
  /** Unit: Cel. */
  readonly temperature: null | number
  /** Unit: Cel. */
  readonly outside: number
  readonly doorOpen: boolean
  /** Unit: 1. */
  readonly duty: number
  readonly location: null | Location
}

export interface Location {
  /** Unit: deg. */
  readonly lat: number
  /** Unit: deg. */
  readonly lon: number
}

export const arktis = contract<Arktis>({
  subject: 'fleet.arktis-value',
  version: 1,
  schema: { type: 'record', name: 'Arktis', namespace: 'coldchain', doc: 'What an Arktis unit sends: milliseconds, degrees Celsius, the door as a boolean.', fields: [
    { name: 'device', type: 'string' },
    { name: 'time', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'counter', type: 'long' },
    { name: 'temperature', type: ['null', 'double'], unit: 'Cel', default: null },
    { name: 'outside', type: 'double', unit: 'Cel' },
    { name: 'doorOpen', type: 'boolean' },
    { name: 'duty', type: 'double', unit: '1' },
    { name: 'location', type: [
      'null',
      { type: 'record', name: 'Location', fields: [
        { name: 'lat', type: 'double', unit: 'deg' },
        { name: 'lon', type: 'double', unit: 'deg' },
      ] },
    ], default: null },
  ] },
})
