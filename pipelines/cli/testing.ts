import type { CheckedDefinition } from '../define/schema.ts'
import { type InputLine, lineOf } from './input.ts'
import type { LineKind, ReplayLine } from './output.ts'
import { play } from './play.ts'

export type { DeadLetterLine, EventLine, LateLine, LineKind, ReadingLine, ReplayLine, RetractionLine, WindowLine } from './output.ts'

/** A reading's fields, with `$arrival` and `$source` where they matter; or `{ $tick: ms }`, or `{ $watermark: ms }`. */
export type InputObject = Readonly<Record<string, unknown>>

export interface ReplayTestOptions {
  /** The path of a definition, or what `definePipeline` gave. */
  readonly definition: string | CheckedDefinition
  /** A .csv or JSON lines file, or the lines as objects, in order of arrival. */
  readonly input: string | Iterable<InputObject> | AsyncIterable<InputObject>
  /** Default: all but readings. */
  readonly emit?: readonly LineKind[]
  /** Rows of the definition's tables: a file, or the rows. */
  readonly tables?: Readonly<Record<string, string | readonly InputObject[]>>
  readonly batch?: number
  readonly snapshotEvery?: number
  readonly restartEvery?: number
  readonly crashEvery?: number
  /** False leaves open windows open at the end. */
  readonly drain?: boolean
}

/** What came out, in order of emission, and how many readings went in. */
export type Replayed = readonly ReplayLine[] & { readonly readings: number }

/**
 * Play readings through a pipeline in this process, as `millrace replay` does, and give what it would print.
 *
 * Shape:  docs/replay.md has the lines
 * Late:   a line that cannot be made a reading is a dead letter here too, never an exception
 * Errors: those of the definition; an Error of exit 65 when the input cannot be read
 */
export async function replay ({ definition, input, emit = ['windows', 'events', 'late', 'dead-letters'], tables = {}, ...options }: ReplayTestOptions): Promise<Replayed> {
  const lines: ReplayLine[] = []
  const { readings } = await play({
    definition, input: typeof input === 'string' ? input : inputLines(input), emit: new Set(emit), tables: new Map(Object.entries(tables)),
    batch: options.batch ?? 4096, snapshotEvery: options.snapshotEvery ?? null, restartEvery: options.restartEvery ?? null, crashEvery: options.crashEvery ?? null,
    drain: options.drain ?? true, codegen: true,
    print: line => { lines.push(JSON.parse(line) as ReplayLine) }, turn: async () => true,
  })
  return Object.assign(lines, { readings })
}

async function * inputLines (objects: Iterable<InputObject> | AsyncIterable<InputObject>): AsyncGenerator<InputLine> {
  let line = 0
  for await (const object of objects) yield lineOf(object, line += 1)
}
