import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { readProfile } from '../../../pipelines/define/profile.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-profile-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })
const secret = join(folder, 'secret')
writeFileSync(secret, 'from a file\n')

function fileOf (text: string): string {
  const file = join(folder, 'millrace.profiles.yaml')
  writeFileSync(file, text)
  return file
}
const read = (text: string, name = 'site', environment: Readonly<Record<string, string>> = {}) => readProfile({ name, files: [join(folder, 'none.yaml'), fileOf(text)], environment })
const fails = (details: object) => (error: unknown) => {
  assert(error instanceof StreamError && error.code === 'PROFILE_INVALID', String(error))
  assert.partialDeepStrictEqual(error.details, details)
  return true
}

test('profile: properties become text, secrets come from the environment and from files', async () => {
  const profile = await read(`
site:
  kafka: { bootstrap.servers: 'k:9092', request.timeout.ms: 5000, sasl.username: '\${env:WHO}', sasl.password: '\${file:${secret}}' }
  registry: { schema.registry.url: 'http://r:8081' }
  topics: { prefix: site., replication: 3, partitions: 12 }
  lake: { keyspace: fleet }
  variables: { limit: 8.5, site: oslo }
`, 'site', { WHO: 'ann' })
  assert.deepEqual(profile, {
    kafka: { 'bootstrap.servers': 'k:9092', 'request.timeout.ms': '5000', 'sasl.username': 'ann', 'sasl.password': 'from a file' },
    registry: { 'schema.registry.url': 'http://r:8081' }, topics: { prefix: 'site.', replication: 3, partitions: 12 }, lake: { keyspace: 'fleet' }, variables: { limit: 8.5, site: 'oslo' },
  })
})

test('profile: what is wrong is told with its place, and no secret with it', async () => {
  await assert.rejects(read('site: { topic: { prefix: x } }'), fails({ place: 'site.topic', nearest: 'topics' }))
  await assert.rejects(read('site: { topics: { replication: 0 } }'), fails({ place: 'site.topics.replication' }))
  await assert.rejects(read('sites: {}'), fails({ profile: 'site', nearest: 'sites' }))
  await assert.rejects(read('site: { kafka: { a: "${env:NOT_THERE}" } }'), fails({ place: 'kafka.a', variable: 'NOT_THERE' }))
  await assert.rejects(read(`site: { kafka: { a: "\${file:${join(folder, 'gone')}}" } }`), fails({ place: 'kafka.a', why: 'ENOENT' }))
  await assert.rejects(read('site: [ }'), fails({}))
  await assert.rejects(readProfile({ name: 'site', files: [join(folder, 'none.yaml')], environment: {} }), fails({ profile: 'site' }))
})

test('profile: the cluster of this machine is known without a file', async () => {
  assert.equal((await readProfile({ name: 'kafka', files: [], environment: {} })).kafka!['bootstrap.servers'], 'localhost:9092')
  assert.equal((await read('kafka: { kafka: { bootstrap.servers: "other:1" } }', 'kafka')).kafka!['bootstrap.servers'], 'other:1')
})
