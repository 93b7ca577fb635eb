import { fieldsOfContract } from './contract-fields.ts'
import type { Resolving } from './resolve.ts'
import { wanted } from './wanted.ts'
import type { ContractField } from './tools.ts'

export interface ResolvedTable {
  readonly name: string
  readonly topic: string
  readonly subject: string
  readonly contract: string
  readonly key: string
  /** Its columns; empty when its contract cannot be read. */
  readonly fields: readonly ContractField[]
}

export function resolveTables (resolving: Resolving): readonly ResolvedTable[] {
  const { definition, problems } = resolving
  return Object.entries(definition.tables).map(([name, { topic = name, contract, key }]) => {
    const fields = fieldsOfContract(resolving, { schema: contract.schema, path: ['tables', name, 'contract'] })
    const texts = fields.filter(field => field.kind === 'text').map(field => field.name)
    if (fields.length > 0 && key === undefined && texts.length === 0) problems.add(['tables', name], 'its contract has no text field that could be the key')
    if (fields.length > 0 && key !== undefined) wanted({ problems, path: ['tables', name, 'key'], thing: 'text field', name: key, names: texts })
    return { name, topic, subject: contract.subject, contract: contract.schema, key: key ?? texts[0] ?? '', fields }
  })
}
