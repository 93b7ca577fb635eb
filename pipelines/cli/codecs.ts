import { type ControlEvent, controlEventCodec } from '../../schemas/control-event.ts'
import { deadLetterCodec } from '../../schemas/dead-letter.ts'
import { lateReadingCodec } from '../../schemas/late-reading.ts'
import type { Codec } from '../../schemas/codec.ts'
import type { SchemaName } from '../core/journal.ts'
import type { RegistryPort } from '../core/ports.ts'
import type { Headers } from '../core/record-batch.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { TableRow } from '../core/table.ts'
import { createDisplay, namedValue } from '../decode/display.ts'
import { names } from '../runtime/names.ts'
import type { PondCodecs } from '../runtime/pond.ts'
import { subjectOf } from './subjects.ts'
import type { RaceCodecs } from '../runtime/race.ts'

/** Rows of a table: whatever schema wrote them, as plain values. */
export function rowDecoder (registry: RegistryPort) {
  const displays = new Map<SchemaName, ReturnType<typeof createDisplay>>()
  return async (value: Uint8Array, headers: Headers): Promise<TableRow | null> => {
    const named = namedValue(value, headers)
    if (named === null) return null
    const { schema: name, from } = named
    if (!displays.has(name)) {
      const schema = await schemaBy(registry, name)
      if (schema === null) return null
      displays.set(name, createDisplay(schema))
    }
    try { return displays.get(name)!(value, from) as TableRow } catch { return null }
  }
}

/** By id or GUID. */
export const schemaBy = (registry: RegistryPort, name: SchemaName): Promise<string | null> => typeof name === 'number' ? registry.byId(name) : registry.byGuid(name)

const text = new TextEncoder()

const register = (registry: RegistryPort, topic: string, { schema }: Codec<never>) => registry.register(subjectOf(registry, { topic, contract: schema }), schema)

/** How outputs look on their topics; registers their schemas. */
export async function raceCodecs (pipeline: CompiledPipeline, registry: RegistryPort): Promise<RaceCodecs> {
  const eventId = pipeline.control === null ? 0 : await register(registry, pipeline.control.topic, controlEventCodec as Codec<never>)
  const letterId = await register(registry, names.deadLetters(pipeline.name), deadLetterCodec as Codec<never>)
  const lateId = await register(registry, names.late(pipeline.name), lateReadingCodec as Codec<never>)
  const origin = ({ topic, partition }: { readonly topic: string, readonly partition: number }, offset: number) => ({ topic, partition, offset })
  return {
    event: event => ({ key: text.encode(event.key), value: controlEventCodec.encode(event, eventId), headers: cloudEvent(event) }),
    late: ({ window, key, at, arrival, value, position }, place) => ({
      key: text.encode(key), headers: [['window', text.encode(window)]],
      value: lateReadingCodec.encode({ pipeline: pipeline.name, window, key, at, arrival, value, source: origin(place, position) }, lateId),
    }),
    deadLetter: ({ step, reason, message, arrival, schemaId, key, value, headers, position }, place) => ({
      key, headers: [['reason', text.encode(reason)]],
      value: deadLetterCodec.encode({ pipeline: pipeline.name, step, reason, message, arrival, schemaId, key, value, headers, source: origin(place, position) }, letterId),
    }),
  }
}

/** Source: CloudEvents 1.0, Kafka protocol binding, binary mode. */
function cloudEvent ({ id, pipeline, rule, key, state, arrivedAt }: ControlEvent): Headers {
  const fields = {
    ce_specversion: '1.0', ce_id: id, ce_type: `millrace.alert.${state}`, ce_source: `/millrace/${pipeline}/${encodeURIComponent(rule)}`, ce_subject: key,
    ce_time: new Date(arrivedAt).toISOString(), 'content-type': 'application/avro',
  }
  return Object.entries(fields).map(([name, value]) => [name, text.encode(value)] as const)
}

function orNull<T> (codec: Codec<T>) {
  return (value: Uint8Array): T | null => { try { return codec.decode(value) } catch { return null } }
}
/** Values of the race's topics, read back; and dead letters of the lake's own. */
export function pondCodecs (pipeline: CompiledPipeline, registry: RegistryPort): PondCodecs {
  let id: Promise<number> | null = null
  return {
    event: orNull(controlEventCodec), deadLetter: orNull(deadLetterCodec), late: orNull(lateReadingCodec),
    refused: async letter => {
      id ??= register(registry, names.deadLetters(pipeline.name), deadLetterCodec as Codec<never>)
      try {
        return { key: letter.key, headers: [['reason', text.encode(letter.reason)]], value: deadLetterCodec.encode(letter, await id) }
      } catch (error) {
        id = null
        throw error
      }
    },
  }
}
