import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'

const repository = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-types-'))
after(() => { rmSync(folder, { recursive: true }) })

const lines = readFileSync(join(import.meta.dirname, 'mistakes.txt'), 'utf8').split('\n')
const errors = errorsOf(lines.join('\n').replaceAll('«', '').replaceAll("'../../", `'${repository}/`))

/** What tsc says about the text, by line and column, under the project's own options. */
function errorsOf (text: string): readonly { readonly line: number, readonly column: number, readonly message: string }[] {
  writeFileSync(join(folder, 'mistakes.mts'), text)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    extends: join(repository, 'tsconfig.json'),
    compilerOptions: { rootDir: '/', typeRoots: [join(repository, 'node_modules/@types')] },
    include: [join(folder, 'mistakes.mts')],
  }))
  const { stdout, error } = spawnSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', folder], { encoding: 'utf8' })
  assert.ifError(error)
  return [...stdout.matchAll(/mistakes\.mts\((\d+),(\d+)\): error (.*(?:\n .*)*)/g)].map(([, line, column, message]) => ({ line: Number(line), column: Number(column), message: message! }))
}

lines.forEach((text, index) => {
  const comment = text.lastIndexOf(' // ')
  if (!text.startsWith('definePipeline(')) return
  const own = errors.filter(({ line }) => line === index + 1)
  const [name, ...rest] = text.slice(comment + 4).split(': ')
  if (name === 'fine') {
    test(`types: tsc accepts ${rest.join(': ')}`, () => { assert.deepEqual(own, []) })
  } else {
    test(`types: tsc rejects ${name} at the wrong word`, () => {
      assert.deepEqual(own.map(({ column }) => column), [text.indexOf('«') + 1])
      assert(own[0]!.message.includes(rest.join(': ')), own[0]!.message)
    })
  }
})

test('types: the fixture has no other errors', () => {
  const told = lines.flatMap((text, index) => text.startsWith('definePipeline(') ? [index + 1] : [])
  assert.deepEqual(errors.filter(({ line }) => !told.includes(line)), [])
})
