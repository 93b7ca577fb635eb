import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problems } from '../../../pipelines/define/problem.ts'
import { readYaml } from '../../../pipelines/define/yaml-source.ts'

function read (text: string, variables: Readonly<Record<string, string | number | boolean>> = {}) {
  const problems = new Problems()
  const source = readYaml(text, problems, variables)
  return { ...source, problems: problems.list }
}

test('variables: one alone keeps its kind, inside a text it becomes text', () => {
  const { raw, problems } = read('a: ${limit}\nb: "x > ${limit}"\nc: [ "${site}-${limit}", "${on}" ]\n', { limit: 8.5, site: 'oslo', on: true })
  assert.deepEqual(problems, [])
  assert.deepEqual(raw, { a: 8.5, b: 'x > 8.5', c: ['oslo-8.5', true] })
})

test('variables: without a value the one behind :- stands', () => {
  assert.deepEqual(read('a: ${limit:-8}\nb: "x > ${limit:-8}"\n').raw, { a: 8, b: 'x > 8' })
  assert.deepEqual(read('a: ${limit:-8}\n', { limit: 9 }).raw, { a: 9 })
})

test('variables: an unknown one is a problem at its place, with the nearest name', () => {
  const { problems } = read('name: x\nrules:\n  hot: { when: "x > ${limt}" }\nlist: [ 1, "${limt}" ]\n', { limit: 1 })
  assert.deepEqual(problems.map(({ path, nearest }) => [path, nearest]), [[['rules', 'hot', 'when'], 'limit'], [['list', 1], 'limit']])
})

test('variables: what is no variable stays as it is, names of members too', () => {
  assert.deepEqual(read('"${a}": "$x {y} ${} ${1a}"\n').raw, { '${a}': '$x {y} ${} ${1a}' })
})

test('variables: a place inside a value that was filled in is told at the value', () => {
  const { locateWithin } = read('when: "celsius > ${limit}"\nclear: "celsius < 1"\n', { limit: 1234567 })
  assert.equal(locateWithin(['when'], { line: 1, column: 12 }), null)
  assert.deepEqual(locateWithin(['clear'], { line: 1, column: 9 }), { line: 2, column: 17 })
})
