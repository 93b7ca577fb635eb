import { resolve } from 'node:path'
import { StreamError } from '../../pipelines/core/errors.ts'

interface Use { readonly readOnly: boolean, readonly since: number, count: number }

const uses = new Map<string, Use>()

/**
 * Note that this process uses a folder; gives what to call when it no longer does. The store keeps one mapping per process and path,
 * so reading beside the writer is for other processes; several readers may share it.
 *
 * Errors: LOG_LOCKED
 */
export function claimInProcess (folder: string, { readOnly, wallMs }: { readonly readOnly: boolean, readonly wallMs: number }): () => void {
  const path = resolve(folder)
  const use = uses.get(path)
  if (use !== undefined && !(use.readOnly && readOnly)) throw new StreamError('LOG_LOCKED', { folder, pid: process.pid, since: new Date(use.since).toISOString(), why: 'this process has it open' })
  if (use !== undefined) use.count += 1
  else uses.set(path, { readOnly, since: wallMs, count: 1 })
  return () => {
    const claimed = uses.get(path)!
    claimed.count -= 1
    if (claimed.count === 0) uses.delete(path)
  }
}
