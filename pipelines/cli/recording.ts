import type { SchemaName } from '../core/journal.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import { contractFields } from '../decode/contract.ts'
import { createEncoder } from '../decode/encode.ts'
import { timeMs } from './csv.ts'
import { type FeedSource, type InputRecord, type RecordLine, recordOf, sourceOf } from './feed.ts'
import type { CellKind, InputLine } from './input.ts'

/**
 * Lines of a recording as the records that a topic would have held.
 *
 * Units: arrival milliseconds since the epoch: as the line says, else the highest event time so far of its source
 * State: the highest event time of each source
 */
export class Recording {
  readonly #sources: readonly Source[]

  constructor (pipeline: CompiledPipeline) {
    this.#sources = pipeline.sources.map((source, index) => ({ ...source, encode: createEncoder(source.contract, index + 1), rawMs: rawUnitMs(source.contract, source.time), latest: Number.NEGATIVE_INFINITY }))
  }

  /** The registry of the records' values. */
  schema (id: SchemaName): string | null { return this.#sources[Number(id) - 1]?.contract ?? null }

  record (line: RecordLine): InputRecord & { readonly source: string, readonly arrival: number } {
    const source = sourceOf(line, this.#sources)
    return { source: source.name, ...recordOf(line, source), arrival: arrivalOf(line, source) }
  }
}

type Source = FeedSource & { readonly contract: string, readonly time: { readonly field: string, readonly unitMs: number }, readonly rawMs: number, latest: number }

/** As the line says, else the highest event time so far. */
function arrivalOf (line: InputLine, source: Source): number {
  if (line.kind !== 'reading') return Number.isFinite(source.latest) ? source.latest : 0
  const at = eventTimeOf(line.fields, source)
  if (at > source.latest) source.latest = at
  return line.arrival ?? (Number.isFinite(source.latest) ? source.latest : 0)
}

function eventTimeOf (fields: Readonly<Record<string, unknown>>, { time, rawMs }: Source): number {
  const value = time.field.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null | undefined)?.[name], fields)
  if (typeof value === 'number') return value * rawMs
  return typeof value === 'string' ? (/^-?\d+$/.test(value) ? Number(value) * rawMs : timeMs(value)) : Number.NaN
}

/** Milliseconds per unit of the number as it stands in the input: logical times are in their own unit there. */
function rawUnitMs (contract: string, { field, unitMs }: Source['time']): number {
  const logical = contractFields(contract).find(({ name }) => name === field)?.logical
  return logical === undefined || logical === null ? unitMs : logical.endsWith('-micros') ? 1e-3 : logical.endsWith('-nanos') ? 1e-6 : logical === 'date' ? 86_400_000 : 1
}

/** Kinds of the cells of a CSV file, by field. */
export function cellKinds (pipeline: CompiledPipeline): ReadonlyMap<string, CellKind> {
  return new Map(pipeline.sources.flatMap(({ contract, time }) => contractFields(contract).map(({ name, kind, logical, nullable }) =>
    [name, name === time.field || logical?.startsWith('timestamp') || logical?.startsWith('local-timestamp') ? 'time' : kind === 'text' && nullable ? 'optional-text' : kind] as const)))
}
