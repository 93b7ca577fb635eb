import type { LakeReaderPort } from '../core/lake-ports.ts'
import { tooMany } from './cells.ts'

/** `keys` null: every key. `labelsOf` gives those asked for, in order. */
export interface Selection { readonly keys: readonly string[] | null, labelsOf (key: string): readonly (string | null)[] }
export interface SelectAsk { readonly keys: readonly string[] | null, readonly where: Readonly<Record<string, string>>, readonly labels: readonly string[], readonly abort: AbortSignal | undefined }

/** Keys whose labels are held in memory. */
export const keysMax = 1 << 20

/**
 * Which keys a question is about, and their labels.
 *
 * Limits: `keysMax` keys where labels matter
 * Errors: LAKE_LIMIT
 */
export async function selectKeys (reader: LakeReaderPort, { keys, where, labels, abort }: SelectAsk): Promise<Selection> {
  const asked = keys === null ? null : [...new Set(keys)]
  const wanted = Object.entries(where)
  if (labels.length === 0 && wanted.length === 0) return { keys: asked, labelsOf: () => [] }
  const found = new Map<string, readonly (string | null)[]>()
  for await (const piece of reader.keys({ keys: asked, ...abort && { signal: abort } })) {
    for (const { key, labels: has } of piece) {
      if (!wanted.every(([label, value]) => (has[label] ?? null) === value)) continue
      found.set(key, labels.map(label => has[label] ?? null))
      if (found.size > keysMax) throw tooMany('keys', found.size, keysMax)
    }
  }
  const unknown = labels.map(() => null)
  return { keys: wanted.length > 0 ? [...found.keys()] : asked, labelsOf: key => found.get(key) ?? unknown }
}
