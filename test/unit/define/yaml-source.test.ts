import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Path, Problems } from '../../../pipelines/define/problem.ts'
import { readYaml } from '../../../pipelines/define/yaml-source.ts'

function found (marked: string, path: Path, at: 'key' | 'value' = 'value'): void {
  const before = marked.slice(0, marked.indexOf('«'))
  const place = readYaml(marked.replace('«', ''), new Problems()).locate(path, at)
  assert.deepEqual(place, { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') })
}

test('YAML source: values, names and items are found in block style', () => {
  const text = 'name: x\nrules:\n  hot:\n    when: a\n    labels:\n      - one\n      - two\n'
  found(text.replace('when: a', 'when: «a'), ['rules', 'hot', 'when'])
  found(text.replace('when: a', '«when: a'), ['rules', 'hot', 'when'], 'key')
  found(text.replace('  hot', '  «hot'), ['rules', 'hot'])
  found(text.replace('two', '«two'), ['rules', 'hot', 'labels', 1])
})

test('YAML source: a path that leads nowhere is told at the nearest part above', () => {
  found('name: x\nrules:\n  «hot: { for: 5m }\n', ['rules', 'hot', 'when', 'deeper'])
})

test('YAML source: aliases and merge keys give the data they stand for', () => {
  const { raw } = readYaml('a: &base { x: 1 }\nb: *base\n', new Problems())
  assert.deepEqual(raw, { a: { x: 1 }, b: { x: 1 } })
})

/** The place of `valu` within the text at `when`. */
function within (text: string): void {
  const source = readYaml(text, new Problems())
  const value = (source.raw as { when: string }).when
  const before = value.slice(0, value.indexOf('valu'))
  const place = source.locateWithin(['when'], { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') })
  const upTo = text.slice(0, text.indexOf('valu'))
  assert.deepEqual(place, { line: upTo.split('\n').length, column: upTo.length - upTo.lastIndexOf('\n') })
}

test('YAML source: a place within plain, quoted, literal and folded text is found', () => {
  within('when: a > 1 && valu < 2\n')
  within("when: 'it''s' \n".replace("'it''s'", "'a == ''x'' && valu < 2'"))
  within('when: "a == \\"x\\" && valu < 2"\n')
  within('when: |\n  a > 1 &&\n    valu < 2\n')
  within('when: >-\n    a > 1 &&\n    valu < 2\n')
})

test('YAML source: broken YAML is told with its place, a name given twice too', () => {
  for (const [text, line] of [['a: [1, 2\nb: 3\n', 2], ['a: 1\na: 2\n', 2], ['a: "x\n', 1]] as const) {
    const problems = new Problems()
    readYaml(text, problems)
    assert(problems.list.length > 0, text)
    assert(problems.list[0]!.line! >= line, `${problems.list[0]!.line}`)
  }
})

test('YAML source: aliases without end and nesting without end are problems, not crashes', () => {
  const laughs = `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefgh'.split('').map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`).join(', ')}]`).join('\n')}\n`
  for (const text of [laughs, '['.repeat(20_000), 'a: *missing\n', '__proto__: { name: x }\n']) {
    const problems = new Problems()
    const { raw } = readYaml(text, problems)
    assert(problems.list.length > 0 || Object.getPrototypeOf(raw) === Object.prototype, text.slice(0, 40))
  }
})
