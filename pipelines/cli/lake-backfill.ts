import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { LakePort } from '../core/lake-ports.ts'
import type { LogPort, RegistryPort } from '../core/ports.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import { durationText } from '../core/time.ts'
import { CliError } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { type KnownSchemas, remembered } from './raw-decode.ts'
import { count, paint, plural, say } from './talk.ts'

interface BackfillOptions extends TargetOptions { readonly input?: string, readonly name?: string }
/** What is kept with the positions of a recording. */
interface Metadata { readonly backfill: string, readonly sha256: string }

/** `millrace lake backfill`: readings of a file into the lake, with their rollups; no alert is raised for them. */
export function addLakeBackfill (lake: Command): void {
  addTargetOptions(lake.command('backfill'), { runs: true })
    .description('store the readings of a file in the lake, with their rollups, as if they had come by the topics; rules do not run')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--input <file>', 'required: readings in order of arrival: .csv, or one JSON object a line')
    .option('--name <name>', 'what the recording is called; the same name again goes on where a run was cut off (default: the file\'s)')
    .action(backfill)
}

async function backfill (path: string, options: BackfillOptions): Promise<void> {
  const { input } = options
  if (input === undefined || input === '-') throw new CliError('usage', 'Cannot fill the lake without --input: name a .csv or JSON lines file')
  const [{ resolve }, { pipelineOf }, { openLakeOf }, { layoutOf }] = await Promise.all([import('node:path'), import('./pipeline-of.ts'), import('./lake-of.ts'), import('./lake-layout.ts')])
  const { target, pipeline } = await pipelineOf(path, options)
  if (pipeline.lake === null) throw new CliError('config', `Cannot fill a lake: the definition has none; definition=${JSON.stringify(path)}`)
  const schemas: KnownSchemas = new Map()
  const system = await target.open(resolve(options.data, pipeline.name, target.folder))
  try {
    const lake = await openLakeOf(system, layoutOf(pipeline), schemas)
    try {
      await fill({ pipeline, lake, schemas, log: system.log, registry: system.registry, input, name: options.name ?? basename(input) })
    } finally {
      await lake.close()
    }
  } finally {
    await system.log.close()
  }
}

interface Filling { readonly pipeline: CompiledPipeline, readonly lake: LakePort, readonly schemas: KnownSchemas, readonly log: LogPort, readonly registry: RegistryPort, readonly input: string, readonly name: string }

async function fill ({ pipeline, lake, schemas, log, registry, input, name }: Filling): Promise<void> {
  const [{ Backfill }, { crc32c }, { readInput }, { cellKinds, Recording }, { Table }, { rowDecoder }] = await Promise.all([
    import('../runtime/backfill.ts'), import('../core/crc32c.ts'), import('./input.ts'), import('./recording.ts'), import('../runtime/tables.ts'), import('./codecs.ts')])
  const metadata: Metadata = { backfill: name, sha256: await fingerprint(input) }
  const partition = -1 - (crc32c(Buffer.from(name)) >>> 1)
  const topic = (source: string) => `backfill/${name}/${source}`
  for (const source of pipeline.sources) await refuseAnother(await lake.committed(topic(source.name), partition), { name, input, metadata })
  const tables = new Map(pipeline.tables.map(table => [table.name, new Table({ ...table, decode: rowDecoder(registry) })]))
  for (const table of tables.values()) await table.catchUp(log)
  const recording = new Recording(pipeline)
  const offsets = new Map(pipeline.sources.map(source => [source.name, 0]))
  let oldest = Number.POSITIVE_INFINITY
  const broken = new Map<string, { readonly reason: string, readonly message: string }>()
  const filling = await Backfill.open({
    pipeline, lake, tables, partition, topic, metadata: JSON.stringify(metadata), schema: id => remembered(schemas, id, recording.schema(id)),
    broken: (source, offset) => broken.get(`${source} ${offset}`) ?? null,
  })
  for await (const line of readInput(input, cellKinds(pipeline))) {
    if (line.kind === 'watermark') continue
    if (line.kind === 'tick') { await filling.tick(line.ms); continue }
    const { broken: why, ...record } = recording.record(line)
    oldest = Math.min(oldest, record.arrival)
    const offset = offsets.get(record.source)!
    offsets.set(record.source, offset + 1)
    if (why !== null) broken.set(`${record.source} ${offset}`, why)
    await filling.take(record)
  }
  await filling.finish()
  const { rawTtlMs } = pipeline.lake!
  if (rawTtlMs !== null && oldest < Date.now() - rawTtlMs) say(paint.yellow(`Readings are kept for ${durationText(rawTtlMs)} by arrival, and some of these came earlier: they go with the next expiry; raise lake.raw.ttl, or give $arrival`))
  const { readings, rollups, deadLetters, late, before } = filling.counts
  say(`${plural(readings, 'reading')} and ${plural(rollups, 'rollup row')} stored as ${JSON.stringify(name)}, ${count(late)} late, ${count(deadLetters)} dead letters${before === 0 ? '' : `; ${plural(before, 'reading')} stored before`}`)
}

async function fingerprint (file: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer)
  } catch (cause) {
    throw new CliError('data', `Cannot read the input: file=${JSON.stringify(file)} code=${(cause as NodeJS.ErrnoException).code}`)
  }
  return hash.digest('hex')
}

/** Positions of one recording mean nothing in another. */
async function refuseAnother (committed: { readonly metadata: string } | null, { name, input, metadata }: { readonly name: string, readonly input: string, readonly metadata: Metadata }): Promise<void> {
  if (committed === null) return
  const known = JSON.parse(committed.metadata) as Metadata
  if (known.sha256 !== metadata.sha256) throw new CliError('data', `Cannot fill the lake: another recording was stored under this name, name=${JSON.stringify(name)} file=${JSON.stringify(input)}; give it one of its own with --name`)
}
