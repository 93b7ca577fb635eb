import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { batchOf } from '../../contract/log.ts'
import { everything, folderFor, logFor, textOf } from './log-kit.ts'

const child = new URL('crash-child.ts', import.meta.url).pathname

function start (folder: string): { readonly process: ChildProcess, readonly lines: AsyncIterator<string> } {
  const running = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  return { process: running, lines: createInterface({ input: running.stdout! })[Symbol.asyncIterator]() }
}

//  child   commit 0 1 2 3 ...  ✂ kill -9
//  then    out = 0 1 2 ... m-1, state and offset say the same m, and m is past everything acknowledged
test('embedded log: kill -9 at any moment keeps every acknowledged commit and no half of one', async t => {
  const folder = folderFor(t)
  let acknowledged = -1
  for (const untilLine of [1, 7, 40, 83, 3, 150]) {
    const { process: running, lines } = start(folder)
    for (let line = 0; line < untilLine; line += 1) {
      const { value, done } = await lines.next()
      assert(!done, 'the child ended on its own')
      if (value !== 'ready') acknowledged = Math.max(acknowledged, Number(value))
    }
    running.kill('SIGKILL')
    await once(running, 'exit')
    for (let next = await lines.next(); !next.done; next = await lines.next()) if (next.value !== 'ready') acknowledged = Math.max(acknowledged, Number(next.value))

    const log = await logFor(t, { folder })
    const committed = (await log.committed('g', 'in', 0))?.offset ?? 0
    assert(committed > acknowledged, `committed ${committed}, acknowledged ${acknowledged}`)
    const outputs = (await everything(log, 'out')).filter((_, index) => index % 2 === 0).map(textOf)
    assert.deepEqual(outputs, Array.from({ length: committed }, (_, n) => `${n}`))
    if (committed > 0) assert.equal(textOf((await everything(log, 'state')).at(-1)!), `${committed - 1}`)
    assert.equal((await log.committed('g', 'in', 0))?.metadata ?? '', committed > 0 ? `${committed - 1}` : '')
    await log.close()
  }
  assert(acknowledged > 100, 'the rounds did something')
})

test('embedded log: a second process is told who holds the folder, reads beside it, and takes over when it is dead', async t => {
  const folder = folderFor(t)
  const { process: running, lines } = start(folder)
  t.after(() => running.kill('SIGKILL'))
  while ((await lines.next()).value !== '5');
  await assert.rejects(logFor(t, { folder }), (error: Error & { code?: string, details?: Record<string, unknown> }) => {
    assert.equal(error.code, 'LOG_LOCKED')
    assert.equal(error.details?.pid, running.pid)
    assert(!Number.isNaN(Date.parse(String(error.details?.since))))
    return true
  })
  const reader = await logFor(t, { folder, readOnly: true })
  const { end } = await reader.range('out', 0)
  const { bytes } = await reader.fetch({ topic: 'out', partition: 0, offset: end, bytesMax: 1 << 20, waitMs: 5_000 })
  assert(bytes.length > 0, 'what another process appends wakes a waiting fetch')
  await assert.rejects(reader.append('out', 0, bytes), { code: 'LOG_READ_ONLY' })
  await reader.close()
  running.kill('SIGKILL')
  await once(running, 'exit')
  const log = await logFor(t, { folder })
  assert((await log.range('out', 0)).end >= end)
})

test('embedded log: a full disk is an error to retry, loses nothing acknowledged and leaves the log readable', { skip: process.platform === 'win32' }, async t => {
  const folder = folderFor(t)
  const full = new URL('full-child.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -f 4000; exec "$0" "$1" "$2"', process.execPath, full, folder])
  const { appended, code, end, readable } = JSON.parse(stdout)
  assert.deepEqual({ code, end, readable }, { code: 'LOG_UNAVAILABLE', end: appended, readable: true })
  const log = await logFor(t, { folder })
  assert.deepEqual((await everything(log, 'in')).map(record => textOf(record).split(' ')[0]), Array.from({ length: appended }, (_, n) => `${n}`))
  await log.append('in', 0, batchOf(['goes on']))
})
