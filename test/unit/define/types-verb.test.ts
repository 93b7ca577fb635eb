import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const launch = resolve(import.meta.dirname, '../../../pipelines/cli/launch.js')

test('millrace types: what it prints types a definition', t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-types-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  writeFileSync(join(folder, 'reading.avsc'), '{"type":"record","name":"Reading","fields":[{"name":"id","type":"string"},{"name":"ts","type":"long"}]}')
  const { stdout, status } = spawnSync(process.execPath, [launch, 'types', join(folder, 'reading.avsc'), '--schema-version', '3'], { encoding: 'utf8' })
  assert.equal(status, 0)
  assert.match(stdout, /import \{ contract \} from 'millrace'/)
  assert.match(stdout, /export interface Reading \{\n {2}readonly id: string\n {2}readonly ts: number\n\}/)
  assert.match(stdout, /export const reading = contract<Reading>\(\{\n {2}subject: 'reading-value',\n {2}version: 3,/)
})

test('millrace types: a schema that is missing is told', () => {
  const { stderr, status } = spawnSync(process.execPath, [launch, 'types', 'nowhere.avsc'], { encoding: 'utf8' })
  assert.equal(status, 65)
  assert.match(stderr, /Cannot read the schema: file="nowhere.avsc"/)
})
