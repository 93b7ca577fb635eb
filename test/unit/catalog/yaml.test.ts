import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import coldChain from '../../../pipelines/catalog/cold-chain.ts'
import { compileDefinition } from '../../../pipelines/define/compile.ts'
import { loadDefinition } from '../../../pipelines/define/load.ts'

test('define: the same object in YAML is the same pipeline, hash and all', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-yaml-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const schemas = resolve(import.meta.dirname, '../../../schemas/cold-chain')
  // Contracts become paths; everything else is plain data already.
  const written = JSON.parse(JSON.stringify(coldChain), (name, value) => name === 'contract' ? join(schemas, `${value.subject === 'fleet.devices-value' ? 'device' : value.subject.slice(6, -6)}.v1.avsc`) : value)
  const file = join(folder, 'cold-chain.yaml')
  writeFileSync(file, stringify(written))
  const fromYaml = compileDefinition(await loadDefinition(file))
  const fromCode = compileDefinition(coldChain)
  const plain = (pipeline: typeof fromCode) => JSON.parse(JSON.stringify(pipeline, (name, value) => name === 'contract' ? JSON.parse(value) : value))
  assert.deepEqual(plain(fromYaml), plain(fromCode))
})
