import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import { exitCodes } from '../../../pipelines/cli/exit.ts'
import { verbs } from '../../../pipelines/cli/verbs.ts'
import { checkDefinition } from '../../../pipelines/define/check.ts'
import { cliPage } from '../../../docs/print.ts'
import { millrace, repository } from '../../kit/cli.ts'
import { asLines, readings, roomsFolder } from '../../kit/rooms.ts'

const { folder, definition, write } = roomsFolder()

test('cli: a wrong command line ends with 64, says what was probably meant, and prints nothing on stdout', async () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['replai'], /unknown command 'replai'\n\(Did you mean replay\?\)/],
    [['replay', definition, '--imput', 'x'], /unknown option '--imput'\n\(Did you mean --input\?\)/],
    [['replay', definition, '--input', '-', '--emit', 'windos'], /no kind "windos"; there are windows, events/],
  ]
  for (const [args, says] of wrong) {
    const { status, stdout, stderr } = await millrace(args)
    assert.deepEqual([status, stdout], [64, ''], stderr)
    assert.match(stderr, says)
  }
})

test('cli: replay of stdin prints data alone on stdout and talks on stderr', async () => {
  const { status, stdout, stderr } = await millrace(['replay', definition, '--input', '-'], { input: asLines(readings) })
  assert.equal(status, 0, stderr)
  assert.deepEqual(stdout.trim().split('\n').map(line => JSON.parse(line).kind), ['event', 'event', 'window', 'window', 'late', 'window', 'window'])
  assert.equal(stderr, '6 readings in, 7 lines out; rule.out-of-order 1\n')
})

test('cli: the page lists every exit code and every verb with all its options', () => {
  const page = readFileSync(join(repository, 'docs/cli.md'), 'utf8')
  assert.equal(page, cliPage(), 'run `npm run docs`')
  for (const [name, { code, means }] of Object.entries(exitCodes)) assert(page.includes(`| ${code} | ${name} | ${means} |`), name)
  const program = new Command()
  for (const add of verbs) add(program)
  for (const verb of program.commands) for (const option of verb.options) assert(page.includes(option.flags.replaceAll('|', '\\|')), `${verb.name()} ${option.flags}`)
})

test('cli: every npm script that runs Node says first what to do about an old one', () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { readonly scripts: Readonly<Record<string, string>> }
  for (const [name, script] of Object.entries(scripts)) {
    if (/\bnode /.test(script)) assert.match(script, /^node pipelines\/cli\/(need-node\.cjs && |launch\.js)/, name)
  }
})

/** A Node that is on the machine beside the one that came as a package. */
const old = ['/usr/bin/node', '/usr/local/bin/node'].find(path => existsSync(path) && Number(/^v(\d+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 99) < 24)

test('cli: on an old Node alone the command says what to do, in words and not as a syntax error', { skip: old === undefined && 'there is no Node older than 24 here' }, async () => {
  const alone = join(folder, 'alone')
  mkdirSync(alone)
  for (const file of ['launch.js', 'need-node.cjs']) copyFileSync(join(repository, 'pipelines/cli', file), join(alone, file))
  writeFileSync(join(alone, 'package.json'), '{"type":"module"}')
  const { status, stdout, stderr } = await millrace(['--version'], { program: [old!, join(alone, 'launch.js')] })
  assert.deepEqual([status, stdout], [1, ''], stderr)
  assert.match(stderr, /^Millrace needs Node 24 or later; this is Node \d+[\s\S]*npm rebuild node/)
})

test('cli: in a checkout an old Node hands over to the one that came as a package', { skip: old === undefined && 'there is no Node older than 24 here' }, async () => {
  const { status, stdout, stderr } = await millrace(['--version'], { program: [old!, join(repository, 'pipelines/cli/launch.js')] })
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

test('cli: the README links to pages that are there, and its definition checks clean', async () => {
  const text = readFileSync(join(repository, 'README.md'), 'utf8')
  for (const [, link] of text.matchAll(/\]\(([^)#:]+)\)/g)) assert(existsSync(join(repository, link!)), link)
  mkdirSync(join(folder, 'contracts'))
  const reading = { type: 'record', name: 'Reading', fields: [{ name: 'device', type: 'string' }, { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } }, { name: 'celsius', type: 'double' }] }
  write('contracts/reading.avsc', JSON.stringify(reading))
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(text)!
  assert.deepEqual(await checkDefinition(write('readme.yaml', yaml!)), [])
})

test('cli: every verb of the README is one, and every verb is in the README', () => {
  const program = new Command()
  for (const add of verbs) add(program)
  const told = [...readFileSync(join(repository, 'README.md'), 'utf8').matchAll(/^\| `millrace (\w+)/gm)].map(([, verb]) => verb)
  assert.deepEqual(told.sort(), program.commands.map(verb => verb.name()).sort())
})
