import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pages } from '../../../docs/print.ts'
import { definitionJsonSchema } from '../../../pipelines/define/json-schema.ts'

for (const file of ['reference.md', 'definition.schema.json']) {
  test(`define: docs/${file} is what the schema says`, () => {
    assert.equal(readFileSync(`docs/${file}`, 'utf8'), pages[file]!(), 'run `npm run docs`')
  })
}

test('define: every word of the definition has a meaning on the reference page', () => {
  const { $defs, properties } = definitionJsonSchema()
  const without = [...Object.entries(properties!), ...Object.entries($defs!).flatMap(([name, part]) => Object.entries(part.properties ?? {}).map(([word, each]) => [`${name}.${word}`, each] as const))]
    .filter(([, part]) => part.description === undefined && part.$ref === undefined && part.enum === undefined).map(([word]) => word)
  assert.deepEqual(without, [])
})
