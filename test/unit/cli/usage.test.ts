import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import { exitCodes } from '../../../pipelines/cli/exit.ts'
import { verbs } from '../../../pipelines/cli/verbs.ts'
import { cliPage } from '../../../docs/print.ts'
import { millrace, repository } from '../../kit/cli.ts'
import { asLines, readings, roomsFolder } from '../../kit/rooms.ts'

const { definition } = roomsFolder()

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

test('cli: every verb of the README is one, and every verb is in the README', () => {
  const program = new Command()
  for (const add of verbs) add(program)
  const told = [...readFileSync(join(repository, 'README.md'), 'utf8').matchAll(/^\| `millrace (\w+)/gm)].map(([, verb]) => verb)
  assert.deepEqual(told.sort(), program.commands.map(verb => verb.name()).sort())
})
