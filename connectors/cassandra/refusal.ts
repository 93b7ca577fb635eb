import { errorText } from '../../pipelines/core/errors.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'

/** What a row is about that cannot be stored. */
export interface Refusal { readonly table: string, readonly key: Uint8Array | null, readonly value?: Uint8Array | null, readonly why: string, readonly arrival: number, readonly source: DeadLetter['source'] }

/** Of a text in a message. */
const messageLettersMax = 500

/** The record goes to the dead letters for the sake of one table; other tables may have it. */
export function refusedLetter (pipeline: string, { table, key, value = null, why, arrival, source }: Refusal): DeadLetter {
  const message = errorText('LAKE_ROW_REFUSED', { table, why: why.slice(0, messageLettersMax) })
  return { pipeline, step: 'sink', reason: 'LAKE_ROW_REFUSED', message, arrival, schemaId: null, key: key === null ? null : Uint8Array.from(key), value: value === null ? null : Uint8Array.from(value), headers: [], source }
}
