import { rename, rm } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ParquetCell, ParquetColumn } from '../../../connectors/duckdb/parquet.ts'
import { StreamError } from '../../core/errors.ts'
import { type TextFormat, written } from './formats.ts'
import type { Cell, Head, HeadKind, Sheet } from './sheet.ts'
import { jsonOf } from './texts.ts'

export type FileFormat = TextFormat | 'parquet'

/**
 * Write a sheet to a file: whole, or not at all.
 *
 * Errors: LAKE_EXPORT
 */
export async function writeFile (sheet: Sheet, { file, format, abort }: { readonly file: string, readonly format: FileFormat, readonly abort: AbortSignal }): Promise<void> {
  const path = resolve(file)
  const part = `${path}.${process.pid}.part`
  try {
    if (format === 'parquet') await writeParquet(sheet, part, abort)
    else await pipeline(Readable.from(written(sheet, format)), createWriteStream(part), { signal: abort })
    abort.throwIfAborted()
    await rename(part, path)
  } catch (cause) {
    await rm(part, { force: true })
    const { code } = cause as NodeJS.ErrnoException
    if (cause instanceof StreamError || code === undefined || abort.aborted) throw cause
    throw new StreamError('LAKE_EXPORT', { file, folder: dirname(path), why: code }, { cause })
  }
}

const parquetTypes: Readonly<Record<HeadKind, ParquetColumn['type']>> = { time: 'time', number: 'double', count: 'bigint', duration: 'bigint', text: 'text', bool: 'bool', map: 'text' }

async function writeParquet ({ heads, pieces }: Sheet, file: string, abort: AbortSignal): Promise<void> {
  const { ParquetWriter } = await import('../../../connectors/duckdb/parquet.ts')
  const writer = await ParquetWriter.open(heads.map(({ name, kind }) => ({ name, type: parquetTypes[kind] })))
  try {
    for await (const { count, cell } of pieces) {
      abort.throwIfAborted()
      writer.add({ count, cell: (column, row) => parquetCell(heads[column]!, cell(column, row)) })
    }
    await writer.finish(file)
  } finally {
    writer.close()
  }
}

function parquetCell ({ kind }: Head, cell: Cell): ParquetCell { return cell === null || kind !== 'map' ? cell as ParquetCell : jsonOf(cell) }
