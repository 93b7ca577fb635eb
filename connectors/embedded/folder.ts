import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { StreamError } from '../../pipelines/core/errors.ts'

/** The files of the store inside the log's folder. */
export const dataFile = 'data.mdb'
const ownFiles = new Set([dataFile, 'lock.mdb'])
const pageHeaderBytes = 24
const metaBytes = 160
const magic = 0xbeefc0de

/**
 * Look at a folder before the store maps its file into memory: what is wrong there would end the process instead of raising an error.
 * A file without a single commit, left by a crash in the first moments, is removed.
 *
 * Errors: LOG_FOREIGN, LOG_DAMAGED
 * Source: LMDB's MDB_meta, twice at the head of the file: magic, page size, last page used, transaction
 */
export function inspectFolder (folder: string): 'new' | 'existing' {
  if (!existsSync(folder)) return 'new'
  const strangers = readdirSync(folder).filter(name => !ownFiles.has(name))
  const path = join(folder, dataFile)
  if (!existsSync(path)) {
    if (strangers.length > 0) throw new StreamError('LOG_FOREIGN', { folder, found: strangers.slice(0, 3) })
    return 'new'
  }
  return inspectFile(path) ? 'existing' : (rmSync(path), 'new')
}

/** False: no commit was ever made. */
function inspectFile (path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const first = readMeta(file, 0)
    if (first === null && size < 2 * 4096) {
      if (headIsEmpty(file)) return false
      throw new StreamError('LOG_FOREIGN', { file: path, why: 'its head is not that of a store' })
    }
    const second = readMeta(file, first?.pageBytes ?? 4096)
    const metas = [first, second].filter(meta => meta !== null)
    if (metas.length === 0) throw new StreamError('LOG_FOREIGN', { file: path, why: 'its head is not that of a store' })
    if (metas.length === 1) throw new StreamError('LOG_DAMAGED', { file: path, why: 'one of the two heads is not readable' })
    const newest = metas.reduce((a, b) => b.transaction > a.transaction ? b : a)
    const needed = (newest.lastPage + 1) * newest.pageBytes
    if (size < needed) throw new StreamError('LOG_DAMAGED', { file: path, bytes: size, needed })
    return true
  } finally {
    closeSync(file)
  }
}

function readMeta (file: number, position: number) {
  const bytes = Buffer.alloc(pageHeaderBytes + metaBytes)
  if (readSync(file, bytes, 0, bytes.length, position) < bytes.length) return null
  const at = pageHeaderBytes
  if (bytes.readUInt32LE(at) !== magic) return null
  return { pageBytes: bytes.readUInt32LE(at + 24), lastPage: Number(bytes.readBigUInt64LE(at + 120)), transaction: bytes.readBigUInt64LE(at + 128) }
}

function headIsEmpty (file: number): boolean {
  const bytes = Buffer.alloc(pageHeaderBytes + metaBytes)
  const length = readSync(file, bytes, 0, bytes.length, 0)
  return bytes.subarray(0, length).every(byte => byte === 0)
}
