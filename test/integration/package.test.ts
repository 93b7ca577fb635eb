import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { csvFiles } from '../unit/cli/csv-files.ts'
import { millrace, repository } from '../kit/cli.ts'
import { asLines, readings, roomsFolder } from '../kit/rooms.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })
const built = join(folder, 'built')
const manifest = (at: string) => JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'))
const filesIn = (at: string) => readdirSync(at, { recursive: true, encoding: 'utf8' }).map(file => file.replaceAll('\\', '/'))
let packed: readonly string[] = []

before(() => {
  const build = spawnSync(process.execPath, [join(repository, 'infra/build.ts'), built], { encoding: 'utf8' })
  assert.equal(build.status, 0, build.stdout + build.stderr)
  const pack = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', built], { encoding: 'utf8', cwd: folder, shell: process.platform === 'win32' })
  assert.equal(pack.status, 0, pack.stderr)
  const answer = JSON.parse(pack.stdout)
  const [{ files }] = Array.isArray(answer) ? answer : Object.values(answer) as [{ files: { path: string }[] }]
  packed = files.map(({ path }: { path: string }) => path)
})

/** A project that has the built package installed: its dependencies are those of this checkout. */
function consumer (name: string, millraceAt: string): string {
  const project = join(folder, name)
  mkdirSync(join(project, 'node_modules'), { recursive: true })
  for (const entry of readdirSync(join(repository, 'node_modules')).filter(entry => !entry.startsWith('.') && entry !== 'millrace')) symlinkSync(join(repository, 'node_modules', entry), join(project, 'node_modules', entry))
  if (millraceAt === repository) symlinkSync(repository, join(project, 'node_modules/millrace'))
  else cpSync(millraceAt, join(project, 'node_modules/millrace'), { recursive: true })
  return project
}

test('package: holds what it needs to run and nothing else', () => {
  const allowed = /\.(js|cjs|d\.ts|avsc)$|^(package\.json|README\.md|LICENSE|CHANGELOG\.md|docs\/definition\.schema\.json)$/
  assert.deepEqual(packed.filter(file => !allowed.test(file)), [])
  assert.deepEqual(packed.filter(file => !/^(schemas|pipelines|connectors|docs)\/|^[^/]+$/.test(file)), [])
  assert.deepEqual(packed.filter(file => /(^|\/)test\/|\.test\.|node_modules/.test(file)), [])
  const avsc = filesIn(join(repository, 'schemas')).filter(file => file.endsWith('.avsc')).map(file => `schemas/${file}`)
  for (const file of [...avsc, 'LICENSE', 'README.md', 'CHANGELOG.md', 'pipelines/cli/launch.js', 'pipelines/cli/need-node.cjs', 'pipelines/catalog/cold-chain.js', 'docs/definition.schema.json']) assert(packed.includes(file), file)
  const modules = ['schemas', 'pipelines', 'connectors'].flatMap(top => filesIn(join(repository, top)).filter(file => file.endsWith('.ts')).map(file => `${top}/${file.slice(0, -3)}`))
  assert.deepEqual(modules.filter(module => !packed.includes(`${module}.js`) || !packed.includes(`${module}.d.ts`)), [])
})

test('package: every export and the command are there, and it asks for no more than the sources do', () => {
  const { exports, bin, dependencies, ...rest } = manifest(built)
  for (const target of Object.values<string | Record<string, string>>(exports).flatMap(path => typeof path === 'string' ? [path] : Object.values(path))) assert(existsSync(join(built, target)), target)
  assert(existsSync(join(built, bin.millrace)))
  assert.deepEqual([dependencies, rest.private, rest.scripts, rest.devDependencies], [manifest(repository).dependencies, undefined, undefined, undefined])
  assert.equal(manifest(repository).private, true, 'the sources cannot be published by mistake')
})

test('package: the installed command gives the same bytes as the checkout, and runs dev', async () => {
  const { definition } = roomsFolder()
  const project = consumer('installed', built)
  const installed = [process.execPath, join(project, 'node_modules/millrace/pipelines/cli/launch.js')] as const
  const args = ['replay', definition, '--input', '-', '--emit', 'windows,events,late,readings']
  const [here, there] = await Promise.all([millrace(args, { input: asLines(readings) }), millrace(args, { input: asLines(readings), program: installed, cwd: project })])
  assert.equal(there.status, 0, there.stderr)
  assert.equal(there.stdout, here.stdout)
  const dev = await millrace(['dev', '--demo', '--for', '3s', '--trucks', '20'], { program: installed, cwd: project })
  assert.equal(dev.status, 0, dev.stderr)
  assert.match(dev.stdout, /^stored {8}[1-9]/m)
})

test('package: its types hold under strict settings, and tell a wrong field', () => {
  const project = consumer('typed', built)
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  writeFileSync(join(project, 'good.ts'), `import { contract, definePipeline } from 'millrace'
import { replay, type WindowLine } from 'millrace/testing'
import { cassandraSettings, openCassandraReader } from 'millrace/connectors/cassandra'
import { openLakeReader } from 'millrace/connectors/duckdb'
import { openEmbeddedLog } from 'millrace/connectors/embedded'
const room = contract<{ readonly room: string, readonly at: number, readonly celsius: number }>({ subject: 'r', version: 1, schema: { type: 'record', name: 'R', fields: [] } })
const definition = definePipeline({ name: 'x', source: { contract: room }, key: 'room', time: { field: 'at' }, rules: { warm: { when: 'celsius > 1.0' } } })
const played = await replay({ definition, input: [{ room: 'a', at: 1, celsius: 2 }] })
export const starts: readonly number[] = played.filter((line): line is WindowLine => line.kind === 'window').map(({ start }) => start)
export { cassandraSettings, openCassandraReader, openEmbeddedLog, openLakeReader }
`)
  writeFileSync(join(project, 'wrong.ts'), readFileSync(join(project, 'good.ts'), 'utf8').replace("key: 'room'", "key: 'rom'"))
  const check = (file: string) => spawnSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024', '--types', 'node', '--typeRoots', join(repository, 'node_modules/@types'), file], { encoding: 'utf8', cwd: project })
  assert.equal(check('good.ts').stdout, '')
  assert.match(check('wrong.ts').stdout, /wrong\.ts\(7,\d+\): error .*"rom"/)
})

for (const { name, text } of [{ name: 'made up', text: null }, ...csvFiles]) {
  test(`init: ${name}: the new project's own test passes`, async () => {
    const place = name.replace(/\W+/g, '-')
    const project = consumer(place, repository)
    const csv = join(folder, `${place}.csv`)
    if (text !== null) writeFileSync(csv, text)
    const init = await millrace(['init', place, '--force', ...(text === null ? [] : ['--from-csv', csv])], { cwd: folder })
    assert.equal(init.status, 0, init.stderr)
    const { NODE_TEST_CONTEXT, ...env } = process.env
    const ran = spawnSync(process.execPath, ['--test'], { cwd: project, encoding: 'utf8', env })
    assert.equal(ran.status, 0, ran.stdout)
    assert.match(ran.stdout, /pass [3-9]/)
  })
}
