import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pages } from '../../docs/print.ts'
import { errorCatalogue } from '../../pipelines/core/errors.ts'

for (const [file, print] of Object.entries(pages)) {
  test(`tidy: docs/${file} is what the code says`, () => {
    assert.equal(readFileSync(join('docs', file), 'utf8'), print(), 'run `npm run docs`')
  })
}

test('tidy: every error code is used by the sources', () => {
  const sources = ['pipelines', 'connectors', 'schemas']
    .flatMap(top => readdirSync(top, { recursive: true, encoding: 'utf8' }).map(file => join(top, file)))
    .filter(file => file.endsWith('.ts') && !file.startsWith(join('pipelines', 'core', 'errors')))
    .map(file => readFileSync(file, 'utf8')).join('\n')
  const unused = Object.keys(errorCatalogue).filter(code => !new RegExp(`\\b${code}\\b`).test(sources))
  assert.deepEqual(unused, [])
})
