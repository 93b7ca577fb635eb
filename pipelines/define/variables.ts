import { type Document, isScalar, type Scalar, visit } from 'yaml'
import { nearest } from '../core/nearest.ts'
import type { Path, Problems } from './problem.ts'
import type { Variables } from './profile.ts'

const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

/**
 * Put the values of variables into a YAML document: `${name}`, or `${name:-value}` for when nobody gives one. A value that is a variable alone keeps
 * the variable's kind; inside a longer text it becomes text. Gives the values that were changed: places inside them are not those of the file.
 */
export function fillVariables (document: Document, { variables, problems }: { readonly variables: Variables, readonly problems: Problems }): ReadonlySet<unknown> {
  const filled = new Set<unknown>()
  visit(document, {
    Scalar (key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const path = pathOf(node, ancestors)
      const value = filledText(node.value, variables, name => { problems.add(path, `there is no variable ${JSON.stringify(name)}`, { nearest: nearest(name, Object.keys(variables)) }) })
      if (value === node.value) return
      node.value = value
      filled.add(node)
    },
  })
  return filled
}

function filledText (text: string, variables: Variables, unknown: (name: string) => void): string | number | boolean {
  const of = (name: string, otherwise: string | undefined) => {
    if (Object.hasOwn(variables, name)) return variables[name]!
    if (otherwise === undefined) { unknown(name); return '' }
    return /^-?\d+(\.\d+)?$/.test(otherwise) ? Number(otherwise) : otherwise === 'true' || otherwise === 'false' ? otherwise === 'true' : otherwise
  }
  const [whole, name, otherwise] = new RegExp(`^${reference.source}$`).exec(text) ?? []
  if (whole !== undefined) return of(name!, otherwise)
  return text.replace(reference, (_, name: string, otherwise: string | undefined) => String(of(name, otherwise)))
}

/** From the nodes above, as the visitor hands them down. */
function pathOf (node: Scalar, ancestors: readonly unknown[]): Path {
  const path: (string | number)[] = []
  for (const [index, above] of ancestors.entries()) {
    const below = ancestors[index + 1] ?? node
    if (typeof above !== 'object' || above === null) continue
    if ('key' in above && isScalar(above.key)) path.push(String(above.key.value))
    else if ('items' in above && Array.isArray(above.items) && !(typeof below === 'object' && below !== null && 'key' in below)) path.push(above.items.indexOf(below))
  }
  return path
}
