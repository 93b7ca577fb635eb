import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { compileDefinition } from '../../../pipelines/define/compile.ts'
import { checkedDefinition } from '../../../pipelines/define/pipeline.ts'
import { problemsOf } from '../../../pipelines/define/problem.ts'
import coldChain from '../../../pipelines/catalog/cold-chain.ts'

type Part = { [name: string]: unknown }

/** Every place of a definition, contracts left out. */
function places (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null || path.at(-1) === 'contract') return [path]
  return [path, ...Object.entries(value).flatMap(([name, member]) => places(member, [...path, name]))]
}

/** A copy with the part at a path replaced, removed or renamed. */
function mutated (path: readonly string[], { kind, value, name }: { readonly kind: string, readonly value: unknown, readonly name: string }): unknown {
  const copy = structuredClone(coldChain) as unknown as Part
  let parent = copy
  for (const part of path.slice(0, -1)) parent = parent[part] as Part
  const last = path.at(-1)
  if (last === undefined) return value
  if (kind === 'rename' && !Array.isArray(parent)) parent[name] = parent[last]
  if (kind === 'replace') parent[last] = value
  else delete parent[last]
  return copy
}

const mutation = fc.record({
  path: fc.constantFrom(...places(coldChain)),
  kind: fc.constantFrom('replace', 'remove', 'rename'),
  name: fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('celcius', '__proto__', 'constructor', 'toString', 'window', 'for')),
  value: fc.oneof(fc.jsonValue(), fc.constantFrom('0s', '-1s', '1e3s', 'celsius', 'celsius > ', 'fleet.polar', Number.NaN, undefined, Symbol('x'), () => 1, 2n)),
})

test('define: any mutation of a definition is accepted and compiles, or is refused with problems', () => {
  fc.assert(fc.property(mutation, ({ path, ...change }) => {
    const written = mutated(path, change)
    try {
      compileDefinition(checkedDefinition(written))
    } catch (error) {
      assert(error instanceof StreamError, String(error))
      const problems = problemsOf(error)
      assert(problems !== null ? problems.length > 0 : error.code === 'DEFINITION_UNREADABLE', error.message)
      for (const { message } of problems ?? []) assert.doesNotMatch(message, /\[object|undefined|Invalid input/, message)
    }
  }), { numRuns: 600 })
})
