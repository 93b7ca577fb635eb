import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { openLakeReader } from '../../../connectors/duckdb/reader.ts'
import { lakeFile, lakeFor } from './lake-kit.ts'

const child = new URL('crash-child.ts', import.meta.url).pathname

//  child   rows 0..1499 ▸ commit, rows 1500..2999 ▸ commit, ...  ✂ kill -9
//  then    the rows are exactly those below the committed position, each once, and the rollup counts them
test('lake: kill -9 at any moment leaves exactly the rows below the committed position', async t => {
  const file = lakeFile(t)
  let acknowledged = 0
  for (const untilLine of [2, 20]) {
    const running = spawn(process.execPath, [child, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: running.stdout! })[Symbol.asyncIterator]()
    const note = (value: string) => { if (value !== 'ready') acknowledged = Math.max(acknowledged, Number(value)) }
    for (let line = 0; line < untilLine; line += 1) {
      const { value, done } = await lines.next()
      assert(!done, 'the child ended on its own')
      note(value)
    }
    running.kill('SIGKILL')
    await once(running, 'exit')
    for (let next = await lines.next(); !next.done; next = await lines.next()) note(next.value)

    const lake = await lakeFor(t, file)
    const committed = (await lake.committed('in', 0))?.offset ?? 0
    assert(committed >= acknowledged, `committed ${committed}, acknowledged ${acknowledged}`)
    assert.deepEqual(await lake.query('SELECT count(*) AS n, count(DISTINCT "offset") AS distinct_n, coalesce(max("offset") + 1, 0) AS top FROM cold_chain_readings'), [{ n: committed, distinct_n: committed, top: committed }])
    assert.deepEqual(await lake.query('SELECT mean FROM cold_chain_minute'), committed === 0 ? [] : [{ mean: committed }])
    await lake.close()
  }
  assert(acknowledged > 10_000, 'the rounds did something')
})

test('lake: another process is told who holds the file', async t => {
  const file = lakeFile(t)
  const running = spawn(process.execPath, [child, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => running.kill('SIGKILL'))
  await once(running.stdout!, 'data')
  const locked = (error: Error & { code?: string, details?: Record<string, unknown> }) => {
    assert.equal(error.code, 'LAKE_LOCKED')
    assert.equal(error.details?.pid, running.pid)
    return true
  }
  await assert.rejects(openLakeReader(file), locked)
  await assert.rejects(lakeFor(t, file), locked)
  running.kill('SIGKILL')
  await once(running, 'exit')
  const reader = await openLakeReader(file)
  assert.deepEqual(Object.keys(await reader.counts()), ['cold_chain_alerts', 'cold_chain_dead_letters', 'cold_chain_keys', 'cold_chain_late', 'cold_chain_minute', 'cold_chain_readings'])
  await assert.rejects(reader.query('DELETE FROM cold_chain_readings'), { code: 'LAKE_UNAVAILABLE' })
  reader.close()
})
