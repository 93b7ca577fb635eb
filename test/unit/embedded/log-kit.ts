import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { machineClock } from '../../../connectors/embedded/clock.ts'
import { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from '../../../connectors/embedded/log.ts'
import type { LogPort, TopicSpec } from '../../../pipelines/core/ports.ts'
import { type LogRecord, records } from '../../../pipelines/core/record-batch.ts'

export function folderFor (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

export async function logFor (t: TestContext, options: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ folder: options.folder ?? folderFor(t), clock: machineClock, maintainEveryMs: 0, ...options })
  t.after(() => log.close())
  return log
}

export const topic = (name: string, more: Partial<TopicSpec> = {}): TopicSpec =>
  ({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime', ...more })

/** Everything a partition holds, as a reader would fetch it. */
export async function everything (log: LogPort, name: string, partition = 0): Promise<LogRecord[]> {
  const found: LogRecord[] = []
  let { start: offset, end } = await log.range(name, partition)
  while (offset < end) {
    const { bytes } = await log.fetch({ topic: name, partition, offset, bytesMax: 1 << 16, waitMs: 0 })
    const some = [...records(bytes)].filter(record => record.offset >= offset)
    if (some.length === 0) break
    found.push(...some)
    offset = some.at(-1)!.offset + 1
    end = (await log.range(name, partition)).end
  }
  return found
}

export const textOf = (record: LogRecord): string => Buffer.from(record.value ?? []).toString()
