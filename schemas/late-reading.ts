import { bufferOf, bytesOf, type Codec, createCodec, type SourcePosition } from './codec.ts'

/**
 * A reading that was late for one window, as it stands on the late topic.
 *
 * Units: at event time, arrival arrival time; milliseconds since the epoch
 */
export interface LateReading {
  readonly pipeline: string
  readonly window: string
  readonly key: string
  readonly at: number
  readonly arrival: number
  /** The record's value as it came, in its own schema. */
  readonly value: Uint8Array
  readonly source: SourcePosition
}

/** Late readings in Confluent wire format. Event times with a fraction of a millisecond are cut to whole ones. */
export const lateReadingCodec: Codec<LateReading> = createCodec<LateReading, LateReading>({
  file: 'late-reading.v1',
  toWire: late => ({ ...late, at: Math.floor(late.at), arrival: Math.floor(late.arrival), value: bufferOf(late.value) }),
  fromWire: wire => ({ ...wire, value: bytesOf(wire.value), source: { ...wire.source } }),
})
