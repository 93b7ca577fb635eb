import { bufferOf, bytesOf, type Codec, createCodec, type SourcePosition } from './codec.ts'

/**
 * A record that could not be used, as it stands on the dead-letter topic.
 *
 * Units: arrival milliseconds since the epoch
 */
export interface DeadLetter {
  readonly pipeline: string
  readonly step: 'decode' | 'normalise' | 'window' | 'rule' | 'sink'
  readonly reason: string
  readonly message: string
  readonly arrival: number
  readonly schemaId: number | null
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [string, Uint8Array | null])[]
  readonly source: SourcePosition
}

type Wire = Omit<DeadLetter, 'headers'> & { readonly headers: readonly { readonly name: string, readonly value: Uint8Array | null }[] }

const buffer = (bytes: Uint8Array | null) => bytes && bufferOf(bytes)
const copy = (bytes: Uint8Array | null) => bytes && bytesOf(bytes)

/** Dead letters in Confluent wire format. */
export const deadLetterCodec: Codec<DeadLetter> = createCodec<DeadLetter, Wire>({
  file: 'dead-letter.v1',
  toWire: letter => ({
    ...letter,
    arrival: Math.floor(letter.arrival),
    key: buffer(letter.key),
    value: buffer(letter.value),
    headers: letter.headers.map(([name, value]) => ({ name, value: buffer(value) })),
  }),
  fromWire: wire => ({
    ...wire,
    key: copy(wire.key),
    value: copy(wire.value),
    headers: wire.headers.map(({ name, value }) => [name, copy(value)] as const),
    source: { ...wire.source },
  }),
})
