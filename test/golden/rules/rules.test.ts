import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { playScenario } from './play.ts'

const folder = new URL('./', import.meta.url)

for (const file of readdirSync(folder).filter(name => name.endsWith('.scn'))) {
  const text = readFileSync(new URL(file, folder), 'utf8')
  test(`${file} comes out as written, straight, in one batch, with a restart before every line and without generated code`, () => {
    for (const options of [{}, { cut: () => 1000 }, { restarts: true }, { cut: () => 3, restarts: true, codegen: false }]) {
      const { got, wanted } = playScenario(text, options)
      assert.deepEqual(got, wanted)
    }
  })
}
