/**
 * A named Avro contract and the TypeScript shape it decodes to.
 *
 * Shape: `schema` is the Avro JSON text; `_shape` exists for the compiler only
 */
export interface Contract<T> {
  readonly subject: string
  readonly version: number
  readonly schema: string
  readonly _shape?: T
}

/** Make a contract from its parts; `millrace schema types` writes calls of this. `schema` is Avro JSON as text or as an object. */
export function contract<T extends object> ({ subject, version, schema }: { readonly subject: string, readonly version: number, readonly schema: string | object }): Contract<T> {
  return { subject, version, schema: typeof schema === 'string' ? schema : JSON.stringify(schema) }
}
