import { parseUnit } from '../core/unit.ts'
import type { Path } from './problem.ts'
import type { Resolving } from './resolve.ts'
import type { ContractField } from './tools.ts'

/** The fields of a contract; problems where it is no Avro or a field's unit is no unit (then it counts as without). Empty when it cannot be read. */
export function fieldsOfContract ({ tools, problems }: Resolving, { schema, path }: { readonly schema: string, readonly path: Path }): readonly ContractField[] {
  const fields = problems.attempt(path, () => tools.contractFields(schema))
  if (fields === null) return []
  if (fields.length === 0) problems.add(path, 'the contract is no record with fields')
  return fields.map(field => {
    const { name, unit } = field
    if (unit === null) return field
    const found = problems.list.length
    problems.attempt(path, () => parseUnit(unit))
    if (problems.list.length === found) return field
    const { message, nearest } = problems.list.pop()!
    problems.add(path, `the field "${name}" of the contract: ${message}`, { nearest })
    return { ...field, unit: null }
  })
}
