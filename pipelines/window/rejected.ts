import type { Batch } from '../core/batch.ts'
import { errorText } from '../core/errors.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'

interface Rejected { readonly stage: number, readonly window: string, readonly batch: Batch, readonly row: number, readonly keys: KeyTable }

/** All of the reading's intervals have expired. */
export function rejectLate ({ stage, window, batch, row, keys }: Rejected, out: Outputs): void {
  out.late.push({ position: batch.position[row]!, stage, window, key: keys.text(batch.key[row]!), at: batch.at[row]!, arrival: batch.arrival[row]!, value: valueBytes(batch, row) })
}

/** The reading would open one pane too many. */
export function rejectFull (rejected: Rejected & { readonly panesMax: number }, out: Outputs): void {
  const { stage, window, batch, row, keys, panesMax } = rejected
  const key = keys.bytes(batch.key[row]!).slice()
  out.deadLetters.push({
    position: batch.position[row]!, stage, step: 'window', reason: 'WINDOW_FULL',
    message: errorText('WINDOW_FULL', { window, key: keys.text(batch.key[row]!), panesMax }),
    arrival: batch.arrival[row]!, schemaId: null, key, value: valueBytes(batch, row), headers: [],
  })
}

function valueBytes (batch: Batch, row: number): Uint8Array {
  return batch.bytes.slice(batch.valueStart[row]!, batch.valueEnd[row]!)
}
