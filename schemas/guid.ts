import { createHash } from 'node:crypto'

export interface SchemaReference { readonly name: string, readonly subject: string, readonly version: number }

/** The name of a schema that is the same in every registry: a fingerprint of its text without white space, and of what it refers to. */
export function schemaGuid (schema: string, references: readonly SchemaReference[] = []): string {
  const hash = createHash('sha256').update(schema)
  for (const { name, subject, version } of references) hash.update(`\n${JSON.stringify([name, subject, version])}`)
  const bytes = hash.digest()
  // Version 8 of RFC 9562: made as its maker sees fit.
  bytes[6] = bytes[6]! & 15 | 128
  bytes[8] = bytes[8]! & 63 | 128
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
