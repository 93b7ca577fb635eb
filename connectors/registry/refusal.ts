/** A request that the registry answers with an error. `code` is Confluent's `error_code`; its first three digits are the HTTP status. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: number
  constructor (code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get status (): number { return this.code > 999 ? Math.floor(this.code / 100) : this.code }
}

/** Confluent's error codes and texts, as far as they are used here. Source: Confluent Schema Registry API reference */
export const refusals = {
  subjectUnknown: (subject: string) => new Refusal(40401, `Subject '${subject}' not found.`),
  versionUnknown: (version: number | string) => new Refusal(40402, `Version ${version} not found.`),
  schemaUnknown: (id?: number | string) => new Refusal(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`),
  subjectDeleted: (subject: string) => new Refusal(40404, `Subject '${subject}' was soft deleted. Set permanent=true to delete permanently`),
  subjectNotDeleted: (subject: string) => new Refusal(40405, `Subject '${subject}' was not deleted first before being permanently deleted`),
  versionDeleted: (subject: string, version: number) => new Refusal(40406, `Subject '${subject}' Version ${version} was soft deleted. Set permanent=true to delete permanently`),
  versionNotDeleted: (subject: string, version: number) => new Refusal(40407, `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`),
  configUnset: (subject: string) => new Refusal(40408, `Subject '${subject}' does not have subject-level compatibility configured`),
  modeUnset: (subject: string) => new Refusal(40409, `Subject '${subject}' does not have subject-level mode configured`),
  schemaInvalid: (why: string, options?: ErrorOptions) => new Refusal(42201, `Invalid schema: ${why}`, options),
  versionInvalid: (version: string) => new Refusal(42202, `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`),
  levelInvalid: () => new Refusal(42203, 'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive'),
  modeInvalid: () => new Refusal(42204, 'Invalid mode. Valid values are READWRITE, READONLY and IMPORT'),
  forbidden: (why: string) => new Refusal(42205, why),
  referenced: (subject: string, version: number) => new Refusal(42206, `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`),
  subjectInvalid: (subject: string) => new Refusal(42208, `The specified subject '${subject}' is not a valid subject`),
} as const
