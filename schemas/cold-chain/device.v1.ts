// Printed from the schema by `millrace types`; edit that instead.
import { contract } from '../contract.ts'

/** A row of the device registry. */
export interface Device {
  readonly device: string
  /** The source it sends to, which is its model: rules with a registry miss it there. */
  readonly source: string
  readonly site: string
  readonly cargo: string
  /** Unit: Cel. The warmest the cargo may get. */
  readonly maxC: number
}

export const device = contract<Device>({
  subject: 'fleet.devices-value',
  version: 1,
  schema: { type: 'record', name: 'Device', namespace: 'coldchain', doc: 'A row of the device registry.', fields: [
    { name: 'device', type: 'string' },
    { name: 'source', type: 'string', doc: 'The source it sends to, which is its model: rules with a registry miss it there.' },
    { name: 'site', type: 'string' },
    { name: 'cargo', type: 'string' },
    { name: 'maxC', type: 'double', unit: 'Cel', doc: 'The warmest the cargo may get.' },
  ] },
})
