import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { batchOf, valuesIn } from '../contract/log.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'

const worker = fileURLToPath(new URL('../kit/kafka-echo.ts', import.meta.url))
const rounds = process.env.MILLRACE_SLOW ? 60 : 12
const partitions = 3
const resumeMsMax = 4_000

async function up (servers: string, prefix: string, member: string) {
  const child = spawn(process.execPath, [worker, servers, prefix, member], { stdio: ['ignore', 'pipe', 'inherit'] })
  const began = performance.now()
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => { throw new Error(`worker ended with ${child.exitCode}`) })])
  return { child, tookMs: performance.now() - began }
}

test(`kafka log: a worker killed ${rounds} times in mid-transaction copies every record exactly once, in order`, { skip: noKafka ?? false }, async () => {
  const { log, prefix, finish } = await kafkaLog()
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`MILLRACE_SEED=${seed}`)
  let random = seed
  const next = (below: number) => { random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff; return random % below }
  try {
    for (const name of ['in', 'out']) await log.createTopic({ name, partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
    const written: string[][] = Array.from({ length: partitions }, () => [])
    let writing = true
    const feeding = (async () => {
      for (let number = 0; writing; number += 1) {
        const partition = number % partitions
        const values = Array.from({ length: 1 + number % 7 }, (_, at) => `${number}.${at}`)
        written[partition]!.push(...values)
        await log.append('in', partition, batchOf(values))
      }
    })()
    const resumes: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const { child, tookMs } = await up(await bootstrapServers(), prefix, 'a')
      resumes.push(tookMs)
      await new Promise(resolve => { setTimeout(resolve, 50 + next(400)) })
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    writing = false
    await feeding
    const { child } = await up(await bootstrapServers(), prefix, 'a')
    for (let partition = 0; partition < partitions; partition += 1) {
      const { end } = await log.range('in', partition)
      for (let waits = 0; (await log.committed('echo', 'in', partition))?.offset !== end; waits += 1) {
        assert(waits < 300, `partition ${partition} gets to its end`)
        await new Promise(resolve => { setTimeout(resolve, 50) })
      }
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    for (let partition = 0; partition < partitions; partition += 1) assert.deepEqual(await valuesIn(log, 'out', partition), written[partition], `partition ${partition}, MILLRACE_SEED=${seed}`)
    resumes.sort((a, b) => a - b)
    console.log(`records ${written.flat().length}, from start to reading: median ${resumes[resumes.length >> 1]!.toFixed(0)} ms, worst ${resumes.at(-1)!.toFixed(0)} ms`)
    assert(resumes[resumes.length >> 1]! < resumeMsMax)
  } finally {
    await finish()
  }
})
