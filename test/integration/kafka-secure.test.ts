import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaEnvironment, kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { lacking, type Stack, startStack } from '../../infra/local/stack.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { batchOf, fails, valuesIn } from '../contract/log.ts'
import { mutualProperties, type Properties, roundTrip, secureProperties, wrongProperties, wrongs } from '../kit/kafka-secure.ts'

/** Brokers with TLS, SASL and ACLs are always our own: those of KAFKA_BOOTSTRAP_SERVERS have their own users. */
const missing = await lacking({ cassandra: false })
const skip = missing ?? false
let stack: Stack

before(async () => { if (missing === null) stack = await startStack({ cassandra: false, secure: true, tokens: true }) })
after(async () => { if (missing === null) await stack.stop() })

const properties = (user: 'millrace' | 'guest', more: Properties = {}) => secureProperties(stack, user, more)

async function using<T> (given: Properties, body: (log: LogPort) => Promise<T>): Promise<T> {
  const log = await openKafkaLog({ ...kafkaSettings(given), clock: machineClock })
  try { return await body(log) } finally { await log.close() }
}

for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN']) {
  test(`kafka log works over TLS with ${mechanism}`, { skip }, () => using(properties('millrace', { 'sasl.mechanism': mechanism }), log => roundTrip(log, mechanism.toLowerCase())))
}

/** Unsigned, as the brokers of the test take it. */
function token (subject: string, seconds: number): string {
  const now = Math.floor(Date.now() / 1_000)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + seconds })}.`
}
const bearing = (more: Properties): Properties => {
  const { 'sasl.username': _, 'sasl.password': __, ...rest } = properties('millrace')
  return { ...rest, 'sasl.mechanism': 'OAUTHBEARER', ...more }
}

test('kafka log works with a token, and renews its login with another one from the file before the session ends', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-token-'))
  const file = join(folder, 'token')
  writeFileSync(file, token('millrace', 5))
  const refresh = setInterval(() => { writeFileSync(file, token('millrace', 5)) }, 500)
  try {
    await using(bearing({ 'sasl.oauthbearer.token.endpoint.url': pathToFileURL(file).href }), async log => {
      await roundTrip(log, 'bearer')
      for (let second = 0; second < 8; second += 1) {
        await log.append('bearer', 0, batchOf([`${second}`]))
        await machineClock.sleep(1_000)
      }
      assert.equal((await valuesIn(log, 'bearer', 0)).length, 10)
    })
  } finally {
    clearInterval(refresh)
    rmSync(folder, { recursive: true })
  }
})

test('kafka log works with a token that an endpoint gives for client id and secret', { skip }, async () => {
  const asked: string[] = []
  const endpoint = createServer((request, response) => {
    asked.push(request.headers.authorization ?? '')
    response.end(JSON.stringify({ access_token: token('millrace', 60), expires_in: 60 }))
  })
  endpoint.listen(0, '127.0.0.1')
  await once(endpoint, 'listening')
  const { port } = endpoint.address() as { readonly port: number }
  try {
    await using(bearing({ 'sasl.oauthbearer.token.endpoint.url': `http://127.0.0.1:${port}/token`, 'sasl.jaas.config': 'x required clientId="id" clientSecret="secret";' }), log => roundTrip(log, 'endpoint'))
    assert.deepEqual(new Set(asked), new Set([`Basic ${Buffer.from('id:secret').toString('base64')}`]))
  } finally {
    endpoint.close()
  }
})

test('kafka log works with the variables that the local stack prints', { skip }, () => using(kafkaEnvironment(stack.environment), log => roundTrip(log, 'environment')))

test('kafka log works with mutual TLS', { skip }, () => using(mutualProperties(stack), log => roundTrip(log, 'mutual')))

const wrong: Readonly<Record<string, () => Properties>> = {
  'a token that is over': () => bearing({ 'sasl.oauthbearer.token': token('millrace', -60) }),
  ...Object.fromEntries(wrongs.map(what => [what, () => wrongProperties(stack)[what]!])),
}
for (const [what, given] of Object.entries(wrong)) {
  test(`kafka log is refused with ${what}, without the secret in the message`, { skip }, async () => {
    const began = performance.now()
    await assert.rejects(using(given(), async () => {}), error => {
      assert(fails('KAFKA_DENIED')(error), String(error))
      assert.doesNotMatch((error as Error).message, /canary/)
      return true
    })
    assert(performance.now() - began < 2_500)
  })
}

test('kafka log that speaks plainly to brokers with TLS says so or gives up', { skip }, () =>
  assert.rejects(using({ 'bootstrap.servers': stack.bootstrapServers, 'default.api.timeout.ms': '1000' }, async () => {}), error => fails('KAFKA_DENIED')(error) || fails('KAFKA_UNREACHABLE')(error)))

test('kafka log without a certificate is refused by brokers that want one', { skip }, () =>
  assert.rejects(using({ 'bootstrap.servers': stack.mutualServers!, 'security.protocol': 'SSL', 'ssl.ca.location': stack.secure!.caFile, 'default.api.timeout.ms': '1000' }, async () => {}), error => fails('KAFKA_DENIED')(error) || fails('KAFKA_UNREACHABLE')(error)))

test('kafka log of a user without rights is denied every step, by name', { skip }, async () => {
  await using(properties('millrace'), log => log.createTopic({ name: 'theirs', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' }))
  await using(properties('guest'), async log => {
    const place = { topic: 'theirs', partition: 0 }
    assert.deepEqual(await log.topics(), [])
    const needs: Readonly<Record<string, RegExp>> = { topic: /DESCRIBE on the topic/, range: /DESCRIBE on the topic/, committed: /DESCRIBE on the group/, join: /DESCRIBE on the group/ }
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      topic: () => log.topic('theirs'),
      createTopic: () => log.createTopic({ name: 'mine', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' }),
      deleteTopic: () => log.deleteTopic('theirs'),
      range: () => log.range('theirs', 0),
      fetch: () => log.fetch({ ...place, offset: 0, bytesMax: 1, waitMs: 0 }),
      append: () => log.append('theirs', 0, batchOf(['a'])),
      join: () => log.join({ group: 'g', member: 'm', topics: [] }),
      committed: () => log.committed('g', 'theirs', 0),
    }
    for (const [step, run] of Object.entries(steps)) await assert.rejects(run(), error => { assert(fails('KAFKA_DENIED')(error), `${step}: ${String(error)}`); assert.match(String(error), needs[step] ?? /needs=/); return true }, step)
  })
})
