import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

const program = `
import { batchOf, compiled, results } from './test/unit/expression/rows.ts'
let forbidden = false
try { new Function('return 1') } catch { forbidden = true }
const rows = [{ celsius: 9, limit: 8, site: 'Oslo' }, { celsius: 7, limit: 8 }, {}]
console.log(JSON.stringify([forbidden, results(compiled("celsius > limit && site.startsWith('O')"), batchOf(rows)), results(compiled('celsius - limit'), batchOf(rows))]))
`

test('where the host forbids code generation, closures stand in', () => {
  const run = (...flags: string[]) => JSON.parse(execFileSync(process.execPath, [...flags, '--input-type=module-typescript', '--eval', program], { encoding: 'utf8' })) as unknown
  const wanted = [[true, false, null], [1, -1, null]]
  assert.deepEqual(run('--disallow-code-generation-from-strings'), [true, ...wanted])
  assert.deepEqual(run(), [false, ...wanted])
})
