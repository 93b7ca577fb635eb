import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { SchemaCatalogue } from '../../../connectors/registry/catalogue.ts'
import { type RegistryServer, type RegistryServerOptions, serveRegistry } from '../../../connectors/registry/server.ts'
import { memoryStore, type RegistryStore } from '../../../connectors/registry/store.ts'

export const contentType = 'application/vnd.schemaregistry.v1+json'
export const record = (...fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'Reading', namespace: 'fleet', fields })
export const celsius = { name: 'celsius', type: 'double' }
export const site = { name: 'site', type: 'string' }
export const one = record(celsius)
export const withSite = record(celsius, { ...site, default: '' })
export const needsSite = record(celsius, site)

/** A schema that refers to one that refers to another, and what it is when it stands by itself. */
export async function withReferences (catalogue: SchemaCatalogue) {
  const unit = { type: 'enum', name: 'Unit', namespace: 'fleet.units', symbols: ['C', 'F'] }
  const reading = { type: 'record', name: 'Reading', namespace: 'fleet', fields: [{ name: 'unit', type: 'fleet.units.Unit' }, { name: 'before', type: ['null', 'Reading'], default: null }] }
  const order = { type: 'record', name: 'Order', namespace: 'shop', fields: [{ name: 'first', type: 'fleet.Reading' }, { name: 'all', type: { type: 'array', items: 'fleet.Reading' } }, { name: 'unit', type: 'fleet.units.Unit' }] }
  const [unitReference, readingReference] = [{ name: 'fleet.units.Unit', subject: 'unit', version: 1 }, { name: 'fleet.Reading', subject: 'reading', version: 1 }]
  await catalogue.register({ subject: 'unit', schema: JSON.stringify(unit) })
  await catalogue.register({ subject: 'reading', schema: JSON.stringify(reading), references: [unitReference] })
  const expected = { ...order, fields: [{ name: 'first', type: { ...reading, fields: [{ name: 'unit', type: unit }, reading.fields[1]] } }, ...order.fields.slice(1)] }
  return { references: [readingReference, unitReference], schema: JSON.stringify(order), expected: JSON.stringify(expected) }
}

export function folderFor (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

export interface Served { readonly catalogue: SchemaCatalogue, readonly server: RegistryServer, readonly ask: (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<readonly [status: number, body: unknown]> }

export async function served (t: TestContext, { store = memoryStore(), ...options }: Partial<RegistryServerOptions> & { readonly store?: RegistryStore } = {}): Promise<Served> {
  const catalogue = await SchemaCatalogue.open(store)
  const server = await serveRegistry({ catalogue, ...options })
  t.after(() => server.close())
  return {
    catalogue, server,
    async ask (method, path, body, headers = {}) {
      const response = await fetch(`${server.url}${path}`, { method, headers: { 'content-type': contentType, ...headers }, ...body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) } })
      return [response.status, JSON.parse(await response.text())]
    },
  }
}

export const refusal = (code: number) => (answer: readonly [number, unknown]) => answer[0] === (code > 999 ? Math.floor(code / 100) : code) && (answer[1] as { readonly error_code: number }).error_code === code
