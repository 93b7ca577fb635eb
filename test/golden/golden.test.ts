import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { playScenario } from '../kit/scenario.ts'

const folder = new URL('window/', import.meta.url)
const ways = { 'played straight': {}, 'in one batch': { batchRows: 4096 }, 'restarted before every line': { restarts: true } }

for (const file of readdirSync(folder).filter(name => name.endsWith('.scn'))) {
  const text = readFileSync(new URL(file, folder), 'utf8')
  for (const [way, how] of Object.entries(ways)) {
    test(`golden: window/${file}, ${way}`, () => {
      const { got, wanted } = playScenario(text, how)
      assert.deepEqual(got, wanted)
    })
  }
}
