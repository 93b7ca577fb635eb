import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { embeddedContracts } from '../../../pipelines/cli/contracts.ts'
import { openEmbedded } from '../../../pipelines/cli/embedded.ts'
import { checkDefinition } from '../../../pipelines/define/check.ts'
import { loadDefinition } from '../../../pipelines/define/load.ts'

test('contracts: subject@version is found in the registries of a data folder', async t => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-subject-'))
  t.after(() => { rmSync(data, { recursive: true }) })
  const avro = (more: string) => `{"type":"record","name":"R","fields":[{"name":"id","type":"string"},{"name":"ts","type":"long"}${more}]}`
  const { log, registry } = await openEmbedded(join(data, 'other'))
  await registry.register('readings-value', avro(''))
  await registry.register('readings-value', avro(',{"name":"value","type":"double","default":0}'))
  await log.close()
  const contracts = embeddedContracts(data)
  const file = join(data, 'definition.yaml')
  const versions = async (version: string) => {
    writeFileSync(file, `name: x\nsource: { contract: readings-value@${version} }\nkey: id\ntime: { field: ts }\n`)
    const { source } = await loadDefinition(file, { contracts })
    return [source!.contract.version, source!.contract.schema.includes('value')]
  }
  assert.deepEqual([await versions('1'), await versions('2'), await versions('latest')], [[1, false], [2, true], [2, true]])
  writeFileSync(file, 'name: x\nsource: { contract: readings-value@3 }\nkey: id\ntime: { field: ts }\n')
  const [problem] = await checkDefinition(file, { contracts })
  assert.deepEqual([problem!.line, problem!.column, problem!.message], [2, 21, 'source.contract: the registry does not know readings-value@3'])
})

test('contracts: without a data folder a subject is simply not known', async () => {
  assert.equal(await embeddedContracts(join(tmpdir(), 'no-such-folder'))('readings-value', 1), null)
})
