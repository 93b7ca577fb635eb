import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { expressionFunctions } from '../../../pipelines/expression/compile.ts'
import { resultOf } from './rows.ts'

const file = new URL('../../../docs/expressions.md', import.meta.url)

test('docs/expressions.md lists every function as the code describes it', () => {
  const text = readFileSync(file, 'utf8')
  const table = ['| function | what it says |', '| --- | --- |', ...expressionFunctions.map(({ signature, says }) => `| \`${signature}\` | ${says} |`)].join('\n')
  const written = text.replace(/\| function \|[\s\S]*?\n\n/, `${table}\n\n`)
  if (process.env.MILLRACE_WRITE) writeFileSync(file, written)
  assert.equal(readFileSync(file, 'utf8'), written, 'MILLRACE_WRITE=1 writes the table anew')
})

test('every example of docs/expressions.md gives what it says', () => {
  const examples = [...readFileSync(file, 'utf8').matchAll(/^\| `(.+?)` \| `(\{.*\})` \| (.+) \|$/gm)]
  assert.ok(examples.length > 15)
  for (const [, expression, reading, wanted] of examples) {
    const text = expression!.replaceAll('\\|', '|')
    assert.equal(outcome(text, JSON.parse(reading!) as Record<string, unknown>), wanted, text)
  }
})

function outcome (text: string, reading: Record<string, unknown>): string {
  try {
    return String(resultOf(text, reading) ?? 'unknown')
  } catch (error) {
    return error instanceof StreamError ? `refused: ${error.code}` : String(error)
  }
}
