import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { importFresh } from '../../../pipelines/define/fresh-import.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-fresh-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })
let seconds = 1_700_000_000
function write (name: string, text: string): void {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
  // File systems may count in whole seconds.
  utimesSync(join(folder, name), seconds += 1, seconds)
}
const load = async () => (await importFresh(join(folder, 'project/pipeline.mts'))).default

test('fresh import: a change in the file, in one it imports or in one further down is seen; without a change nothing is imported again', async () => {
  write('shared.mts', 'export const outside: unknown[] = []\n')
  write('project/deep/limit.mts', 'export const limit = 1\n')
  write('project/parts.mts', 'import { limit } from "./deep/limit.mts"\nexport const parts = { limit }\n')
  write('project/pipeline.mts', 'import { parts } from "./parts.mts"\nimport { outside } from "../shared.mts"\noutside.push(1)\nexport default { parts, name: "a", outside }\n')
  const first = await load()
  assert.deepEqual(first, { parts: { limit: 1 }, name: 'a', outside: [1] })
  assert.equal(await load(), first)
  write('project/deep/limit.mts', 'export const limit = 2\n')
  const second = await load()
  assert.deepEqual(second, { parts: { limit: 2 }, name: 'a', outside: [1, 1] })
  write('project/parts.mts', 'import { limit } from "./deep/limit.mts"\nexport const parts = { limit, more: true }\n')
  assert.deepEqual((await load() as { parts: object }).parts, { limit: 2, more: true })
  assert.equal((first as { outside: unknown }).outside, (second as { outside: unknown }).outside, 'a module of another folder is one for all')
})

test('fresh import: a file that fails is imported again once it is mended', async () => {
  write('project/parts.mts', 'export const parts = 1\nthrow new Error("broken")\n')
  await assert.rejects(load(), /broken/)
  write('project/parts.mts', 'export const parts = 3\n')
  assert.equal((await load() as { parts: number }).parts, 3)
})
