import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs'

/** DuckDB writes three headers of 4 KiB when it makes a file; until then nothing can have been committed. */
const headersBytes = 3 * 4096

/** Remove a lake file that a crash left in the moment it was made: empty, or DuckDB's own and shorter than its headers. */
export function removeUnfinished (file: string): void {
  if (!existsSync(file)) return
  const { size } = statSync(file)
  if (size >= headersBytes || (size > 0 && !beginsAsDuckDb(file))) return
  rmSync(file)
  rmSync(`${file}.wal`, { force: true })
}

/** After an 8-byte checksum the file says DUCK. */
function beginsAsDuckDb (file: string): boolean {
  const bytes = Buffer.alloc(12)
  const handle = openSync(file, 'r')
  try {
    return readSync(handle, bytes, 0, 12, 0) === 12 && bytes.toString('latin1', 8) === 'DUCK'
  } finally {
    closeSync(handle)
  }
}

/** DuckDB's lock is the process's: a second database on the same file in this process would not see it. */
const openFiles = new Set<string>()

/** Whether this process has the file open for writing; `file` without links. */
export const isOpenHere = (file: string): boolean => openFiles.has(file)
export const markOpen = (file: string): void => { openFiles.add(file) }
export const markClosed = (file: string): void => { openFiles.delete(file) }
