import type { SchemaReference } from '../../schemas/guid.ts'
import type { CompatibilityLevel } from '../../schemas/compatibility.ts'

export const modes = ['READWRITE', 'READONLY', 'IMPORT'] as const
export type Mode = typeof modes[number]
export interface SchemaVersion { readonly subject: string, readonly version: number, readonly id: number, readonly schema: string, readonly references: readonly SchemaReference[], /** Softly: hidden, yet found by its id. */ readonly deleted: boolean }

/** One change of a registry. `subject` null: for all that have none of their own; a null level or mode takes it away. `ids`: the highest id ever given. */
export type RegistryChange =
  | { readonly kind: 'schema' } & SchemaVersion
  | { readonly kind: 'gone', readonly subject: string, readonly version: number }
  | { readonly kind: 'config', readonly subject: string | null, readonly level: CompatibilityLevel | null }
  | { readonly kind: 'mode', readonly subject: string | null, readonly mode: Mode | null }
  | { readonly kind: 'ids', readonly last: number }

/**
 * Where a registry keeps its changes. One registry at a time writes.
 *
 * Delivery: `append` resolves once the changes survive, all or none; `load` gives them in order, of one thing at least the last
 */
export interface RegistryStore {
  load (): Promise<readonly RegistryChange[]>
  append (changes: readonly RegistryChange[]): Promise<void>
}

/** Nothing survives the process. */
export function memoryStore (): RegistryStore {
  const kept: RegistryChange[] = []
  return { load: async () => [...kept], append: async changes => { kept.push(...changes) } }
}
