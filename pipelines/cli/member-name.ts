import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CliError } from './exit.ts'

const placesMax = 64

/** A worker's static name in its group, held for the life of the process. */
export interface MemberName { readonly name: string, release (): void }

/**
 * The name of this machine and the first place that no living process of it holds: a worker that is started again, or was killed, gets the name it
 * had, and with it its partitions at once.
 *
 * State: a file per place in the folder, with the id of the process that holds it
 */
export function takeMemberName (folder: string): MemberName {
  const host = hostname().replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 100) || 'worker'
  mkdirSync(folder, { recursive: true })
  for (let place = 1; place <= placesMax; place += 1) {
    const file = join(folder, `worker-${place}.pid`)
    if (!takes(file)) continue
    return { name: `${host}-${place}`, release: () => { rmSync(file, { force: true }) } }
  }
  throw new CliError('external', `Cannot find a free name for this worker: folder=${JSON.stringify(folder)} taken=${placesMax}; give it one with --member`)
}

function takes (file: string): boolean {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (isAlive(Number(readText(file)))) return false
      rmSync(file, { force: true })
    }
  }
  return false
}

function readText (file: string): string { try { return readFileSync(file, 'utf8') } catch { return '' } }

function isAlive (pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
