import type { Command } from 'commander'
import { addSchemaCheck } from './schema-check.ts'
import { addSchemaDiff } from './schema-diff.ts'
import { addSchemaList } from './schema-ls.ts'
import { addSchemaRegister } from './schema-register.ts'
import { addSchemaTypes } from './schema-types.ts'

/** `millrace schema <verb>`: contracts and the registry. */
export function addSchema (program: Command): void {
  const group = program.command('schema').description('hold contracts against a schema registry: check, register, diff, types, ls')
  for (const add of [addSchemaCheck, addSchemaRegister, addSchemaDiff, addSchemaTypes, addSchemaList]) add(group)
}
