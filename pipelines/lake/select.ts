import type { LakeKey, LakeLayout, LakeReaderPort } from '../core/lake-ports.ts'
import { checkLabel } from './ask.ts'
import { tooMany } from './cells.ts'

/** When a device was heard first and last, of arrival. */
export type Heard = Pick<LakeKey, 'firstArrival' | 'lastArrival'>
/** `keys` null: every key. `labels` gives those asked for, in order; `labelled` with their names; `heard` what was read on the way, undefined where nothing was. */
export interface Selection { readonly keys: readonly string[] | null, heard (key: string): Heard | undefined, labels (key: string): readonly (string | null)[], labelled (key: string): Readonly<Record<string, string | null>> }
export interface SelectAsk { readonly keys: readonly string[] | null, readonly where: Readonly<Record<string, string>>, readonly labels: readonly string[], readonly abort: AbortSignal | undefined }

/** The text signals. */
export const labelsOf = ({ signals }: LakeLayout): string[] => signals.filter(({ kind }) => kind === 'text').map(({ name }) => name)

/** Keys whose labels are held in memory. */
export const keysMax = 1 << 20

/**
 * Which keys a question is about, and their labels.
 *
 * Limits: `keysMax` keys where labels matter
 * Errors: LAKE_LIMIT, LAKE_UNKNOWN
 */
export async function selectKeys (reader: LakeReaderPort, { keys, where, labels, abort }: SelectAsk): Promise<Selection> {
  const asked = keys === null ? null : [...new Set(keys)]
  const wanted = Object.entries(where)
  for (const label of [...labels, ...Object.keys(where)]) checkLabel(reader.layout, label)
  if (labels.length === 0 && wanted.length === 0) return { keys: asked, heard: () => undefined, labels: () => [], labelled: () => ({}) }
  const found = new Map<string, Heard & { readonly labels: readonly (string | null)[] }>()
  for await (const piece of reader.keys({ keys: asked, ...abort && { signal: abort } })) {
    for (const { key, labels: has, firstArrival, lastArrival } of piece) {
      if (!wanted.every(([label, value]) => (has[label] ?? null) === value)) continue
      found.set(key, { firstArrival, lastArrival, labels: labels.map(label => has[label] ?? null) })
      if (found.size > keysMax) throw tooMany('keys', found.size, keysMax)
    }
  }
  const unknown = labels.map(() => null)
  const labelsOfKey = (key: string) => found.get(key)?.labels ?? unknown
  return { keys: wanted.length > 0 ? [...found.keys()] : asked, heard: key => found.get(key), labels: labelsOfKey, labelled: key => Object.fromEntries(labelsOfKey(key).map((value, index) => [labels[index]!, value])) }
}
