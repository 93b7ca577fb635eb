import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { Store } from './store.ts'

/** Who holds the folder. `born` tells a process from a later one with the same pid (Linux; elsewhere null). */
interface Owner { readonly pid: number, readonly host: string, readonly since: number, readonly born: string | null }

/** Another machine's (or container's) process cannot be asked whether it lives: without a beat for this long it counts as dead. */
export const beatEveryMs = 5_000
const beatsMissedMs = 3 * beatEveryMs

/**
 * Take the folder for this process, in one transaction of the store. Gives the token that every write must still find.
 *
 * Delivery: a dead process's hold is taken over; if it was not dead after all, its next write is refused (LOG_FENCED)
 * Errors:   LOG_LOCKED with pid and since when
 */
export function takeFolder ({ env, owner }: Store, folder: string, wallMs: number): number {
  return env.transactionSync(() => {
    const held = owner.getEntry('owner')
    const holder = held?.value as Owner | null | undefined
    if (holder && isAlive(holder, owner.get('beat') as number, wallMs)) {
      throw new StreamError('LOG_LOCKED', { folder, pid: holder.pid, since: new Date(holder.since).toISOString(), ...(holder.host !== hostname() && { host: holder.host }) })
    }
    const token = (held?.version ?? 0) + 1
    const mine: Owner = { pid: process.pid, host: hostname(), since: wallMs, born: bornAt(process.pid) }
    owner.putSync('owner', mine, token)
    owner.putSync('beat', wallMs, token)
    return token
  })
}

/** The process that holds the folder now; null: none. */
export function holderOf ({ owner }: Store, wallMs: number): { readonly pid: number, readonly host: string } | null {
  const holder = owner.get('owner') as Owner | null | undefined
  return holder && isAlive(holder, owner.get('beat') as number, wallMs) ? { pid: holder.pid, host: holder.host } : null
}

/** Let go, unless somebody else holds it by now. The version stays: a token is never given twice. */
export async function releaseFolder ({ owner }: Store, token: number): Promise<void> {
  await owner.ifVersion('owner', token, () => { void owner.put('owner', null, token) })
}

export async function beat ({ owner }: Store, token: number, wallMs: number): Promise<void> {
  await owner.ifVersion('owner', token, () => { void owner.put('beat', wallMs, token) })
}

function isAlive ({ pid, host, born }: Owner, beatAt: number, wallMs: number): boolean {
  if (host !== hostname()) return Math.abs(wallMs - beatAt) < beatsMissedMs
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return born === bornAt(pid)
}

/** Start of a process in clock ticks since boot (field 22 of /proc/<pid>/stat, counted after the name in brackets); null when it has ended. */
function bornAt (pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19] ?? null
  } catch {
    return null
  }
}
