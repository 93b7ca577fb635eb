import type { CompiledPipeline } from '../core/stage.ts'
import type { TableRow, TableView } from '../core/table.ts'
import { contractFields } from '../decode/contract.ts'
import { compileDefinition } from '../define/compile.ts'
import { loadDefinition } from '../define/load.ts'
import type { CheckedDefinition } from '../define/schema.ts'
import { Replay, type ReplayFormat } from '../runtime/replay.ts'
import { embeddedContracts } from './contracts.ts'
import { CliError } from './exit.ts'
import { type InputLine, lineOf, readInput } from './input.ts'
import { deadLetterLine, eventLine, lateLine, readingLine, windowLine } from './output.ts'
import { cellKinds, Recording } from './recording.ts'

type TableInput = string | readonly Readonly<Record<string, unknown>>[]

export interface PlayOptions {
  /** Path of a definition, or one that is checked. */
  readonly definition: string | CheckedDefinition
  /** A file, '-' for stdin, or the lines themselves. */
  readonly input: string | AsyncIterable<InputLine>
  readonly emit: ReadonlySet<string>
  readonly batch: number
  readonly snapshotEvery: number | null
  readonly restartEvery: number | null
  readonly crashEvery: number | null
  readonly drain: boolean
  /** Rows of each table, or the file that holds them. */
  readonly tables: ReadonlyMap<string, TableInput>
  readonly codegen: boolean
  readonly print: (line: string) => void
  /** Between items: write what was printed; false stops. */
  readonly turn: () => Promise<boolean>
}

export interface Played { readonly readings: number, readonly lines: number, readonly counts: ReadonlyMap<string, number> }

/** Play a recording: what `millrace replay` and the test kit have in common. */
export async function play (options: PlayOptions): Promise<Played> {
  const definition = typeof options.definition === 'string' ? await loadDefinition(options.definition, { contracts: embeddedContracts() }) : options.definition
  const pipeline = compileDefinition(definition, { codegen: options.codegen, readings: options.emit.has('readings') })
  const recording = new Recording(pipeline)
  const kinds = cellKinds(pipeline)
  const broken = new Map<number, { readonly reason: string, readonly message: string }>()
  const lineOf: number[] = []
  let lines = 0
  const engine = new Replay({
    ...options, pipeline, tables: await readTables(pipeline, options.tables), readings: options.emit.has('readings'),
    schema: id => recording.schema(id),
  }, formatter(options.emit, lineOf, broken), line => { lines += 1; options.print(line) })

  let sequence = 0
  let readings = 0
  for await (const line of typeof options.input === 'string' ? readInput(options.input, kinds) : options.input) {
    lineOf[sequence] = line.line
    if (line.kind === 'tick' || line.kind === 'watermark') {
      if (line.kind === 'watermark' && !pipeline.explicit) throw new CliError('data', `Cannot take a $watermark: the definition does not say time: { watermark: explicit }, line=${line.line}`)
      engine.take({ kind: line.kind, sequence, ms: line.ms })
    } else {
      const { broken: why, ...record } = recording.record(line)
      if (why !== null) broken.set(sequence, why)
      engine.take({ kind: 'record', sequence, ...record })
      readings += 1
    }
    sequence += 1
    if (!await options.turn()) break
  }
  engine.finish({ drain: options.drain })
  await options.turn()
  return { readings, lines, counts: engine.counts }
}

async function readTables (pipeline: CompiledPipeline, files: ReadonlyMap<string, TableInput>): Promise<ReadonlyMap<string, TableView>> {
  const unknown = [...files.keys()].find(name => !pipeline.tables.some(table => table.name === name))
  if (unknown !== undefined) throw new CliError('usage', `Cannot fill the table ${JSON.stringify(unknown)}: the definition has ${JSON.stringify(pipeline.tables.map(({ name }) => name))}`)
  const views = await Promise.all(pipeline.tables.map(async ({ name, contract, key }) => [name, await readTable({ name, contract, key, file: files.get(name) ?? null })] as const))
  return new Map(views)
}

interface TableFile { readonly name: string, readonly contract: string, readonly key: string, readonly file: TableInput | null }

async function readTable ({ name, contract, key, file }: TableFile): Promise<TableView> {
  const rows = new Map<string, TableRow>()
  const kinds = new Map(contractFields(contract).map(field => [field.name, field.kind] as const))
  if (file !== null) {
    for await (const line of typeof file === 'string' ? readInput(file, kinds) : file.map((row, i) => lineOf(row, i + 1))) {
      if (line.kind !== 'reading' || line.fields[key] === undefined) throw new CliError('data', `Cannot read a row of the table ${JSON.stringify(name)}: ${typeof file === 'string' ? `file=${JSON.stringify(file)} ` : ''}line=${line.line}; every row is an object with ${JSON.stringify(key)}`)
      rows.set(String(line.fields[key]), line.fields as TableRow)
    }
  }
  return { name, version: 1, get: id => rows.get(id), keys: () => rows.keys() }
}

type Broken = ReadonlyMap<number, { readonly reason: string, readonly message: string }>

function formatter (emit: ReadonlySet<string>, lineOf: readonly number[], broken: Broken): ReplayFormat {
  return output => {
    const line = lineOf[output.sequence]
    const origin = line === undefined ? {} : { line }
    switch (output.kind) {
      case 'window': return emit.has('windows') ? windowLine(output.window.replace(/^window\./, ''), output.rows, output.row, output.keys) : null
      case 'event': return emit.has('events') ? eventLine(output.output) : null
      case 'late': return emit.has('late') ? lateLine(output.output, origin) : null
      case 'reading': return emit.has('readings') ? readingLine(output.batch, output.row, output.keys, origin) : null
      // A line that could not be made a reading went through as it stands; what was wrong with it is known better here.
      case 'dead-letter': return emit.has('dead-letters') ? deadLetterLine({ ...output.output, ...broken.get(output.sequence) }, origin) : null
    }
  }
}
