import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Path } from '../../../pipelines/define/problem.ts'
import { readTypeScript } from '../../../pipelines/define/ts-source.ts'

/** The place found is that of « in the text. */
function found (marked: string, path: Path, at: 'key' | 'value' = 'value'): void {
  const before = marked.slice(0, marked.indexOf('«'))
  const place = readTypeScript(marked.replace('«', '')).locate(path, at)
  assert.deepEqual(place, { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') })
}

test('TypeScript source: a value is found by its path, over several lines', () => {
  found(`import { definePipeline } from 'millrace'
export default definePipeline({
  name: 'x',
  rules: {
    tooWarm: { when: 'a > b', for: «'5m' },
  },
})`, ['rules', 'tooWarm', 'for'])
})

test('TypeScript source: a name is found, also when quoted', () => {
  found("definePipeline({ rules: { «'too-warm': { when: 'x' } } })", ['rules', 'too-warm'], 'key')
  found("definePipeline({ «name: 'x' })", ['name'], 'key')
})

test('TypeScript source: an object or list is told at its name', () => {
  found("definePipeline({ windows: { «hour: { keep: {} } } })", ['windows', 'hour'])
  found("definePipeline({ lake: { «rollups: [] } })", ['lake', 'rollups'])
})

test('TypeScript source: items of lists are found by number', () => {
  found("definePipeline({ lake: { rollups: ['a', 'b', «'c'] } })", ['lake', 'rollups', 2])
  found("definePipeline({ windows: { w: { hopping: ['5m', «'1h'] } } })", ['windows', 'w', 'hopping', 1])
})

test('TypeScript source: brackets and commas in strings, comments, templates and calls lead nowhere', () => {
  found(`export default definePipeline({
  // name: 'no', rules: {
  a: 'x } , {', /* b: { */ b: \`}, \${ f({ c: 1 }) }\`, c: f(1, { d: [2, 3] }), d: "it's",
  e: «'here',
})`, ['e'])
})

test('TypeScript source: a constant of the same file is followed', () => {
  found(`const rules = { hot: { when: «'x' } }
export default definePipeline({ name: 'x', rules })`, ['rules', 'hot', 'when'])
  found(`const minute: Window = { tumbling: «'1x' }
export default definePipeline({ windows: { minute: minute } })`, ['windows', 'minute', 'tumbling'])
  found(`const definition = {
  name: «'x',
}
export default definePipeline(definition)`, ['name'])
})

test('TypeScript source: what is spread or computed is told at the nearest part above', () => {
  found("definePipeline({ «rules: { ...shared } })", ['rules', 'hot', 'when'])
  found("definePipeline({ «rules: make() , name: 'x' })", ['rules', 'hot', 'when'])
})

test('TypeScript source: the exported definition counts, not another call before it', () => {
  found(`const other = definePipeline({ name: 'a' })
export default definePipeline({ name: «'b' })`, ['name'])
})

test('TypeScript source: a plain default export is found too', () => {
  found("export default { name: «'b' }", ['name'])
})

test('TypeScript source: a place within a text counts escapes as they are written', () => {
  const text = String.raw`definePipeline({ when: 'it\'s "a" \u0041 == valu' })`
  const value = 'it\'s "a" A == valu'
  const place = readTypeScript(text).locateWithin(['when'], { line: 1, column: value.indexOf('valu') + 1 })
  assert.deepEqual(place, { line: 1, column: text.indexOf('valu') + 1 })
})

test('TypeScript source: a place within a template is found on its line', () => {
  const text = 'definePipeline({\n  when: `a > 1 &&\n    valu < 2`,\n})'
  assert.deepEqual(readTypeScript(text).locateWithin(['when'], { line: 2, column: 5 }), { line: 3, column: 5 })
})

test('TypeScript source: any text at all is read without failing', () => {
  for (const text of ['', 'definePipeline(', 'definePipeline({', "definePipeline({ a: 'x", 'definePipeline({ a: [1, { b: `', '}{)(', 'definePipeline({ ...a, [b]: c, d() {}, get e () { return 1 } })']) {
    assert.equal(typeof readTypeScript(text).locate(['a', 0, 'b'], 'value').line, 'number')
  }
})
