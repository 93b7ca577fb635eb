import type { LakeReaderPort, LakeSpan } from '../core/lake-ports.ts'
import type { Answer } from './answer.ts'
import type { LakeQuery } from './ask.ts'
import { Coverage, type Hole } from './coverage.ts'
import type { LakePlan, LakeSegment } from './plan.ts'
import type { Sightings } from './sightings.ts'

/** A question that is being answered. */
export interface Run { readonly reader: LakeReaderPort, readonly ask: LakeQuery, readonly plan: LakePlan, readonly answer: Answer, readonly sightings: Sightings }

/** Which keys are read over which time; with `holes` of each key its own. */
export interface ScanRange { readonly whole: LakeSpan, readonly keys: readonly string[] | null, readonly holes?: ReadonlyMap<string, Hole> }

/** Takes a segment's rows into the answer; gives the key of each piece before the piece is taken. */
export async function * scanSegment (run: Run, { source, from, to }: LakeSegment, keys: readonly string[] | null): AsyncGenerator<string> {
  const range = { whole: { from, to }, keys }
  if (source === 'readings') yield * scanReadings(run, range)
  else yield * scanWindow(run, source, { ...range, coverage: coverageOf(run, source, range.whole) })
}

export async function * scanReadings ({ reader, ask, answer }: Run, range: ScanRange): AsyncGenerator<string> {
  answer.begin(range)
  for await (const rows of reader.readings({ ...asked(ask, range), columns: [ask.signal] })) {
    yield rows.key
    answer.addReadings(rows)
  }
  answer.end()
}

export async function * scanWindow ({ reader, ask, answer }: Run, window: string, range: ScanRange & { readonly coverage: Coverage }): AsyncGenerator<string> {
  const { parts } = reader.layout.windows.find(({ name }) => name === window)!
  const columns = [...answer.parts].map(part => parts.find(one => one.signal === ask.signal && one.part === part)!.name)
  answer.begin(range)
  for await (const rows of reader.rollups({ ...asked(ask, range), window, columns })) {
    yield rows.key
    answer.addRollups(rows)
  }
  answer.end()
}

export function coverageOf ({ reader, plan }: Run, window: string, whole: LakeSpan): Coverage {
  return new Coverage(whole, { sizeMs: sizeOf(reader, window), intervalMs: plan.resolutionMs, isKept: plan.isFilled })
}

export function sizeOf ({ layout }: LakeReaderPort, window: string): number {
  const { shape } = layout.windows.find(({ name }) => name === window)!
  return shape.kind === 'session' ? Number.NaN : shape.sizeMs
}

const asked = ({ abort }: LakeQuery, { whole, keys, holes }: ScanRange) => ({ keys, ...whole, brief: true, ...holes && { spans: holes }, ...abort && { signal: abort } })
