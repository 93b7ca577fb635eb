import type { DefinitionProblem } from './problem.ts'

type Mapping = Readonly<Record<string, unknown>>

/** Parts that nothing else refers to: without them the rest of a definition means the same. */
const apart: readonly { readonly of: RegExp, readonly depth: number }[] = [
  { of: /^rules\./, depth: 2 },
  { of: /^(control|lake|limits)$/, depth: 1 },
  { of: /^(control|lake|limits)\./, depth: 2 },
  { of: /^time\.(?!field|unit)/, depth: 2 },
  { of: /^description$/, depth: 1 },
]

/**
 * What is left of a definition when its misshapen parts are taken out, so that the rest can be checked in the same go; null when
 * something misshapen has a name that others may refer to.
 */
export function withoutMisshapen (raw: unknown, problems: readonly DefinitionProblem[]): unknown {
  let rest = raw
  for (const { path } of problems) {
    const part = apart.find(({ of }) => of.test(path.join('.')))
    if (part === undefined) return null
    rest = without(rest, path.slice(0, part.depth))
  }
  return rest
}

function without (value: unknown, [first, ...more]: readonly (string | number)[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || first === undefined || !Object.hasOwn(value, first)) return value
  const { [first]: member, ...others } = value as Mapping
  return more.length === 0 ? others : { ...others, [first]: without(member, more) }
}
