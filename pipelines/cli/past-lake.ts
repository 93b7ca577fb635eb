import { ReadingSorter } from '../../connectors/duckdb/sorter.ts'
import type { LakeRange, LakeReaderPort } from '../core/lake-ports.ts'
import type { LogPort } from '../core/ports.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { TableView } from '../core/table.ts'
import { pastJournal, type PastPlace, PastTask } from '../runtime/past.ts'
import { StoredInput } from '../runtime/past-signals.ts'

export interface LakePast { readonly pipeline: CompiledPipeline, readonly reader: LakeReaderPort, readonly log: LogPort, readonly tables: ReadonlyMap<string, TableView>, readonly wanted: (place: Pick<PastPlace, 'source' | 'partition'>) => boolean }

/**
 * Tasks over what a lake has kept: its readings in the order in which they came, with the journal where the log still holds it. `close` when they have been played.
 *
 * Shape:  one task per partition that has readings in the range of event time
 * Limits: sorted in memory up to a gigabyte, beyond it in temporary files
 */
export async function pastOfLake ({ pipeline, reader, log, tables, wanted }: LakePast, range: Pick<LakeRange, 'from' | 'to' | 'signal'>): Promise<{ readonly tasks: readonly PastTask[], close (): void }> {
  const sorter = await ReadingSorter.open(pipeline.signals)
  try {
    for await (const rows of reader.readings({ ...range, keys: null, columns: pipeline.signals.map(({ name }) => name) })) await sorter.add(rows)
    const tasks: PastTask[] = []
    for (const { source, partition, first, last } of await sorter.tasks()) {
      const spec = pipeline.sources.find(({ name }) => name === source)
      if (spec === undefined || !wanted({ source, partition })) continue
      const partitions = (await log.topic(spec.topic))?.partitions ?? 1
      const place = { source, topic: spec.topic, partition, partitions }
      // Below 0: a recording that was stored by `lake backfill`, which no race has ever seen.
      const journal = partition < 0 || partition >= partitions ? { to: -1, entries: [] } : await pastJournal({ log, pipeline }, place)
      // Ticks before the first reading and behind the last belong to a stretch without bounds.
      const [from, to] = [Number.isFinite(range.from) ? first : Math.min(first, 0), Number.isFinite(range.to) ? last + 1 : Math.max(last + 1, journal.to)]
      tasks.push(new PastTask({ pipeline, tables }, place, { from, to, journal, input: new StoredInput(sorter.sorted({ source, partition })) }))
    }
    return { tasks, close: () => { sorter.close() } }
  } catch (error) {
    sorter.close()
    throw error
  }
}
