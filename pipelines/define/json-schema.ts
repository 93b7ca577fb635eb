import * as z from 'zod'
import { definitionSchema } from './schema.ts'

export interface JsonSchema {
  readonly [word: string]: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

/** JSON Schema of a definition in YAML, for editors: `# yaml-language-server: $schema=...` in its first line. */
export function definitionJsonSchema (): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(definitionSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // What TypeScript passes as a value is text in YAML.
      const id = z.globalRegistry.get(zodSchema)?.id
      if (id === 'Contract') jsonSchema.type = 'string'
      if (id === 'Module') jsonSchema.not = {}
    },
  }) as JsonSchema
  return { $schema, title: 'Millrace pipeline definition', ...rest }
}
