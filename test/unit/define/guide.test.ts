import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { spawnSync } from 'node:child_process'
import { after, test } from 'node:test'
import { checkDefinition } from '../../../pipelines/define/check.ts'
import { typesOf } from '../../../pipelines/define/types.ts'

const repository = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-guide-'))
after(() => { rmSync(folder, { recursive: true }) })

/** The files that the page takes for granted. */
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more })
const contracts = {
  boiler: [field('boilerId', 'string'), field('at', { type: 'long', logicalType: 'timestamp-millis' }), field('seq', 'long'), field('celsius', ['null', 'double'], { unit: 'Cel' }), field('pressure', 'double', { unit: '[psi]' }), field('flame', { type: 'enum', name: 'Flame', symbols: ['ON', 'OFF'] })],
  burner: [field('serial', 'string'), field('ts', 'long'), field('tempF', 'double'), field('on', 'boolean')],
  plant: [field('id', 'string'), field('site', 'string')],
}
writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
mkdirSync(join(folder, 'node_modules'))
symlinkSync(repository, join(folder, 'node_modules/millrace'))
for (const [name, fields] of Object.entries(contracts)) {
  const avro = JSON.stringify({ type: 'record', name: name[0]!.toUpperCase() + name.slice(1), fields })
  writeFileSync(join(folder, `${name}.avsc`), avro)
  writeFileSync(join(folder, `${name}.ts`), typesOf(avro, { subject: `${name}-value`, version: 1 }))
}
const blocks = [...readFileSync(join(repository, 'docs/definition.md'), 'utf8').matchAll(/```(yaml|ts)( \S+)?\n([\s\S]*?)```/g)]
const files = blocks.map(([, kind, name, text], index) => {
  const file = join(folder, name?.trim() ?? `block-${index + 1}.${kind}`)
  writeFileSync(file, text!)
  return { file, name: name?.trim() ?? null, text: text! }
})

for (const { file, name, text } of files.filter(({ name }) => name === null)) {
  test(`guide: the definition that begins with ${JSON.stringify(text.split('\n')[0])} has no problems`, async () => {
    assert.equal(name, null)
    assert.deepEqual(await checkDefinition(file), [])
  })
}

test('guide: tsc accepts the TypeScript on the page', () => {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    extends: join(repository, 'tsconfig.json'), compilerOptions: { rootDir: '/', typeRoots: [join(repository, 'node_modules/@types')] }, include: [join(folder, '*.ts')],
  }))
  const { stdout } = spawnSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', folder], { encoding: 'utf8' })
  assert.equal(stdout, '')
})
