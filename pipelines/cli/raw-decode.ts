import { rawDecoder } from '../../schemas/raw-decoder.ts'
import type { SchemaName } from '../core/journal.ts'
import { namedValue } from '../decode/display.ts'

/** Schemas by the name that records call them, as far as a leg has asked for them: before it reads a record of one, it has. */
export type KnownSchemas = Map<SchemaName, string>

export function remembered (known: KnownSchemas, name: SchemaName, avro: string | null): string | null {
  if (avro !== null) known.set(name, avro)
  return avro
}

/**
 * Values of a source's records as its contract has them.
 *
 * Errors: throws for a value whose schema is not named before it (but in a header, which a lake does not see), and for one that does not fit its schema
 */
export function rawDecode (contract: string, known: KnownSchemas): (value: Uint8Array) => Readonly<Record<string, unknown>> {
  const decoders = new Map<SchemaName, ReturnType<typeof rawDecoder>>()
  return value => {
    const named = namedValue(value, [])
    const writer = named === null ? undefined : known.get(named.schema)
    if (named === null || writer === undefined) throw new Error('its schema is not named before its value: lake.raw.fields reads no header')
    let decoder = decoders.get(named.schema)
    if (decoder === undefined) decoders.set(named.schema, decoder = rawDecoder(writer, contract))
    return decoder(value.subarray(named.from))
  }
}
