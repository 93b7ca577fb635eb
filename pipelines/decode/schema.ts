import { AvroProblem, type AvroType, parseAvro } from '../../schemas/avro-schema.ts'
import { StreamError } from '../core/errors.ts'

export type { ArrayOf, AvroType, Enum, Fixed, Logical, MapOf, Primitive, PrimitiveName, RecordField, RecordOf, Union } from '../../schemas/avro-schema.ts'

/** Avro JSON to types whose names are resolved. Errors: SCHEMA_INVALID with the path of the offending part */
export function parseSchema (avro: string): AvroType {
  try {
    return parseAvro(avro)
  } catch (cause) {
    if (!(cause instanceof AvroProblem)) throw cause
    throw new StreamError('SCHEMA_INVALID', cause.facts, { cause: cause.cause })
  }
}
