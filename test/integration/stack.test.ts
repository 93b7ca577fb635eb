import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { cassandraUser } from '../../infra/local/cassandra.ts'
import { cqlAnswers } from '../../infra/local/cql.ts'
import { lacking } from '../../infra/local/jars.ts'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { registryClient } from '../../connectors/registry/client.ts'
import { registryConfig } from '../../connectors/registry/config.ts'

const { Kafka, logLevel } = kafkajs
const skip = process.env.MILLRACE_SKIP_STACK === '1' ? 'MILLRACE_SKIP_STACK=1' : await lacking({ cassandra: true }) ?? false
const quiet = { logLevel: logLevel.NOTHING, clientId: 'stack-test', retry: { retries: 8, initialRetryTime: 100 } } as const
const alive = (pid: number) => { try { process.kill(pid, 0); return true } catch { return false } }
const until = async (what: () => boolean) => { for (const end = performance.now() + 10_000; !what() && performance.now() < end;) await new Promise(done => setTimeout(done, 50)) }

async function sendAndReceive (config: kafkajs.KafkaConfig, topic: string, texts: readonly string[]): Promise<readonly string[]> {
  const kafka = new Kafka({ ...quiet, ...config })
  const [admin, producer, consumer] = [kafka.admin(), kafka.producer(), kafka.consumer({ groupId: `${topic}-readers` })]
  await Promise.all([admin.connect(), producer.connect(), consumer.connect()])
  try {
    if (!(await admin.listTopics()).includes(topic)) await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
    await producer.send({ topic, messages: texts.map(value => ({ value })) })
    await consumer.subscribe({ topic, fromBeginning: true })
    const received: string[] = []
    await new Promise<void>((done, failed) => {
      consumer.on('consumer.crash', ({ payload }) => { if (!payload.restart) failed(payload.error) })
      void consumer.run({ eachMessage: async ({ message }) => { if (received.push(String(message.value)) >= texts.length) done() } })
    })
    return received
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect(), consumer.disconnect()])
  }
}

test('local stack: with TLS, SASL and ACLs it takes who may, and nobody else; a killed broker comes back with its records; nothing is left behind', { skip }, async t => {
  const stack: Stack = await startStack({ secure: true })
  let stopped = false
  t.after(async () => { if (!stopped) await stack.stop() })
  const { bootstrapServers, mutualServers, secure, brokers, cassandra, environment } = stack
  const pids = [...brokers, cassandra!].map(service => service.pid!)
  const clients = { brokers: bootstrapServers.split(',') }
  const texts = ['one', 'two', 'three']
  assert.deepEqual(await sendAndReceive({ ...clients, ...secure!.kafkajs(secure!.users.millrace) }, 'readings', texts), texts)
  assert.equal(environment.KAFKA_SASL_USERNAME, 'millrace')

  const connecting = (config: object) => new Kafka({ ...quiet, ...clients, retry: { retries: 0 }, ...config }).admin()
  const refused = async (config: object, why: RegExp) => {
    const admin = connecting(config)
    await assert.rejects(admin.connect().then(() => admin.fetchTopicOffsets('readings')), why)
    await admin.disconnect()
  }
  await refused({ ...secure!.kafkajs({ name: 'millrace', password: 'wrong' }) }, /Authentication failed/)
  await refused({ ...secure!.kafkajs(secure!.users.millrace), ssl: { ca: [readFileSync(secure!.otherCaFile, 'utf8')] } }, /certificate/)
  await refused(secure!.kafkajs(secure!.users.guest), /Not authorized|not host this topic/)

  const { certFile, keyFile } = secure!.certificates.millrace
  const mutual = connecting({ brokers: mutualServers!.split(','), ssl: { ca: [readFileSync(secure!.caFile, 'utf8')], cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') } })
  await mutual.connect()
  assert.deepEqual((await mutual.fetchTopicOffsets('readings')).map(({ high }) => high), ['3'])
  await mutual.disconnect()

  const cql = { port: stack.cassandraPort!, tls: { ca: readFileSync(secure!.caFile, 'utf8') } }
  assert(await cqlAnswers({ ...cql, user: cassandraUser }))
  assert(!await cqlAnswers({ ...cql, user: { ...cassandraUser, password: 'wrong' } }))

  const registry = registryClient({ ...registryConfig(environment)!, retryCount: 0, clock: machineClock, cacheFolder: null })
  assert.equal(await registry.register('readings-value', '"double"'), 1)
  await stack.registry!.restart()
  assert.equal((await registry.latest('readings-value'))?.schema, '"double"')
  await assert.rejects(registryClient({ ...registryConfig({ ...environment, SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'millrace:wrong' })!, retryCount: 0, clock: machineClock, cacheFolder: null }).subjects(), /refuses the user/)

  await brokers[0]!.kill('SIGKILL')
  assert.equal(brokers[0]!.pid, null)
  await brokers[0]!.restart()
  pids.push(brokers[0]!.pid!)
  const again = connecting({ ...secure!.kafkajs(secure!.users.millrace), retry: quiet.retry })
  await again.connect()
  assert.deepEqual((await again.fetchTopicOffsets('readings')).map(({ high }) => high), ['3'])
  await again.disconnect()

  await stack.stop()
  stopped = true
  assert.deepEqual(pids.filter(alive), [])
  assert(!existsSync(stack.folder))
})

test('local stack: the registry alone needs no Java, and a folder that is kept has its schemas and ports again', async t => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-stack-test-'))
  t.after(() => { rmSync(data, { recursive: true, force: true }) })
  const urls: string[] = []
  for (const expected of [null, '"double"']) {
    const stack = await startStack({ data, kafka: false, cassandra: false })
    const registry = registryClient({ ...registryConfig(stack.environment)!, clock: machineClock, cacheFolder: null })
    assert.equal((await registry.latest('s'))?.schema ?? null, expected)
    assert.equal(await registry.register('s', '"double"'), 1)
    urls.push(stack.registry!.url)
    await stack.stop()
    await assert.rejects(startStack({ data, kafka: false, cassandra: false, secure: true }), /made with --nodes 1/)
  }
  assert.equal(urls[0], urls[1])
})

test('local stack: npm run stack prints what a shell needs, and killed in mid-run it leaves nothing behind', { skip }, async t => {
  const child = spawn(process.execPath, ['infra/local/stack.ts', '--no-cassandra', '--no-registry'], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => { child.kill('SIGKILL') })
  let out = ''
  let talk = ''
  child.stdout.on('data', chunk => { out += chunk })
  child.stderr.on('data', chunk => { talk += chunk })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => { throw new Error(talk) })])
  await until(() => /source (\S+)/.test(talk))
  const [, servers = ''] = /^export KAFKA_BOOTSTRAP_SERVERS=(127\.0\.0\.1:\d+)$/m.exec(out) ?? []
  const [, file = ''] = /source (\S+)/.exec(talk) ?? []
  const pids = [...talk.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid))
  assert.equal(readFileSync(file, 'utf8'), out)
  assert.equal(pids.length, 1)
  assert.deepEqual(await sendAndReceive({ brokers: [servers] }, 'open', ['x']), ['x'])
  child.kill('SIGKILL')
  await until(() => !pids.some(alive) && !existsSync(dirname(file)))
  assert.deepEqual(pids.filter(alive), [])
  assert(!existsSync(dirname(file)))
})
