import type { ErrorEntry } from './entry.ts'

export const decodeErrors = {
  DECODE_TRUNCATED: { fault: 'data', action: 'dead-letter', says: 'Cannot decode record: bytes end early', advice: 'The producer sent fewer bytes than its schema needs. The dead letter holds the bytes as they came.' },
  DECODE_SCHEMA_UNKNOWN: { fault: 'data', action: 'dead-letter', says: 'Cannot decode record: the registry does not know its schema id', advice: 'Register the schema with the registry, or find the producer that writes a made-up id.' },
} as const satisfies Record<string, ErrorEntry>
