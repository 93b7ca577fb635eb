import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SchemaCatalogue } from '../../../connectors/registry/catalogue.ts'
import { registryClient, type RegistryClientOptions } from '../../../connectors/registry/client.ts'
import { registryConfig } from '../../../connectors/registry/config.ts'
import { cataloguePort } from '../../../connectors/registry/port.ts'
import { serveRegistry } from '../../../connectors/registry/server.ts'
import { memoryStore } from '../../../connectors/registry/store.ts'
import type { StreamError } from '../../../pipelines/core/errors.ts'
import type { ClockPort, RegistryPort } from '../../../pipelines/core/ports.ts'
import { makeCertificate } from '../../../infra/local/certificate.ts'
import { fails } from '../../contract/log.ts'
import { parseAvro } from '../../../schemas/avro-schema.ts'
import { folderFor, needsSite, one, served, withReferences, withSite } from './kit.ts'

/** Sleeps are remembered, not slept. */
function impatient (): ClockPort & { readonly slept: number[], now: number } {
  const slept: number[] = []
  return { slept, now: 0, wallMs () { return this.now }, monotonicMs () { return this.now }, sleep: async ms => { slept.push(ms) } }
}
const noTls = { ca: null, cert: null, key: null, passphrase: null, isNamed: true }
const client = (url: string, more: Partial<RegistryClientOptions> = {}) => registryClient({ urls: [url], user: null, tls: noTls, strategy: 'TopicNameStrategy', timeoutMs: 2_000, retryCount: 0, clock: impatient(), cacheFolder: null, ...more })

async function answering (t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(listening => { server.listen(0, '127.0.0.1', listening) })
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const reply = (status: number, body: unknown): RequestListener => (_, response) => { response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body)) }

/** What every registry behind the port does. */
async function actsAsRegistry (registry: RegistryPort): Promise<void> {
  assert.deepEqual(await registry.subjects(), [])
  assert.equal(await registry.latest('a/b'), null)
  assert.equal(await registry.byId(1), null)
  assert.equal(await registry.register('a/b', one), 1)
  assert.equal(await registry.register('a/b', withSite), 2)
  assert.equal(await registry.byId(1), one)
  assert.deepEqual(await registry.subjects(), ['a/b'])
  const { id, version, schema } = (await registry.latest('a/b'))!
  assert.deepEqual({ id, version, schema }, { id: 2, version: 2, schema: withSite })
  assert.equal((await registry.version('a/b', 1))?.schema, one)
  assert.equal(await registry.version('a/b', 3), null)
}

test('registry client: it is the port, over HTTP as in process', async t => {
  await actsAsRegistry(client((await served(t)).server.url))
  await actsAsRegistry(cataloguePort(await SchemaCatalogue.open(memoryStore())))
})

test('registry client: over TLS it trusts the CA it was given, and no other', async t => {
  const ca = makeCertificate('ca', null)
  const { key, cert } = makeCertificate('server', ca)
  const { server } = await served(t, { tls: { key, cert } })
  await actsAsRegistry(client(server.url, { tls: { ...noTls, ca: ca.cert } }))
  await assert.rejects(client(server.url, { tls: { ...noTls, ca: makeCertificate('ca', null).cert } }).subjects(), fails('REGISTRY_UNAVAILABLE'))
  await assert.rejects(client(server.url).subjects(), (error: StreamError) => fails('REGISTRY_UNAVAILABLE')(error) && /certificate/.test(error.message))
})

test('registry client: a user is let in, a wrong one told, and no password is in the message', async t => {
  const { server } = await served(t, { users: [{ name: 'ann', password: 'secret' }] })
  await actsAsRegistry(client(server.url, { user: { name: 'ann', password: 'secret' } }))
  await assert.rejects(client(server.url, { user: { name: 'ann', password: 'canary' } }).subjects(), (error: StreamError) => fails('REGISTRY_DENIED')(error) && !`${error.message}${error.stack}`.includes('canary'))
})

test('registry client: what a registry refuses is told with its words', async t => {
  const { server } = await served(t)
  const registry = client(server.url)
  await registry.register('s', one)
  await assert.rejects(registry.register('s', needsSite), (error: StreamError) => fails('REGISTRY_INCOMPATIBLE')(error) && error.message.includes('site'))
  await assert.rejects(registry.register('s', '{'), fails('REGISTRY_SCHEMA'))
  await assert.rejects(registry.register('', one), fails('REGISTRY_REFUSED'))
})

test('registry client: what answers like no registry is told apart from a schema that is not there', async t => {
  for (const [status, body, code] of [[404, '<html>', 'REGISTRY_REFUSED'], [404, { message: 'no route' }, 'REGISTRY_REFUSED'], [200, '<html>', 'REGISTRY_REFUSED'], [200, {}, 'REGISTRY_REFUSED'], [302, '', 'REGISTRY_REFUSED'], [200, { schema: 'x', schemaType: 'PROTOBUF' }, 'REGISTRY_UNSUPPORTED'], [200, { schema: one, references: [{}] }, 'REGISTRY_REFUSED']] as const) {
    await assert.rejects(client(await answering(t, reply(status, body))).byId(1), fails(code), `${status} ${JSON.stringify(body)}`)
  }
})

test('registry client: failures of a moment are tried again with growing pauses, at the next address', async t => {
  let calls = 0
  const flaky = await answering(t, (request, response) => { calls += 1; reply(calls < 3 ? 500 : 200, calls < 3 ? { error_code: 50002, message: 'timed out' } : { schema: one })(request, response) })
  const clock = impatient()
  assert.equal(await client(flaky, { retryCount: 3, clock }).byId(1), one)
  assert.deepEqual(clock.slept, [100, 200])
  const { server } = await served(t)
  const nobody = 'http://127.0.0.1:1'
  assert.deepEqual(await client(server.url, { urls: [nobody, server.url], retryCount: 1 }).subjects(), [])
  await assert.rejects(client(nobody, { retryCount: 1 }).subjects(), (error: StreamError) => fails('REGISTRY_UNAVAILABLE')(error) && /ECONNREFUSED/.test(error.message))
})

test('registry client: a registry that takes the call and never answers is given up in time', async t => {
  const silent = await answering(t, () => {})
  await assert.rejects(client(silent, { timeoutMs: 50 }).byId(1), (error: StreamError) => fails('REGISTRY_UNAVAILABLE')(error) && error.message.includes('50 ms'))
  const halfway = await answering(t, (_, response) => { response.writeHead(200, { 'content-length': 100 }).write('{'); setTimeout(() => response.destroy(), 20) })
  await assert.rejects(client(halfway).byId(1), fails('REGISTRY_UNAVAILABLE'))
})

test('registry client: an id is asked once', async t => {
  let calls = 0
  const counting = await answering(t, (request, response) => { calls += 1; reply(200, { schema: one })(request, response) })
  const registry = client(counting)
  assert.deepEqual([await registry.byId(1), await registry.byId(1)], [one, one])
  assert.equal(calls, 1)
})

test('registry client: with the registry down, a start finds in the cache what an earlier run met, and nothing else', async t => {
  const cacheFolder = folderFor(t)
  const catalogue = await SchemaCatalogue.open(memoryStore())
  const server = await serveRegistry({ catalogue })
  await actsAsRegistry(client(server.url, { cacheFolder }))
  await server.close()
  const registry = client(server.url, { cacheFolder })
  assert.equal(await registry.byId(1), one)
  assert.deepEqual(await registry.latest('a/b'), { id: 2, version: 2, schema: withSite })
  assert.equal((await registry.version('a/b', 1))?.id, 1)
  assert.equal(await registry.register('a/b', withSite), 2)
  await assert.rejects(registry.byId(2), fails('REGISTRY_UNAVAILABLE'))
  await assert.rejects(registry.version('a/b', 3), fails('REGISTRY_UNAVAILABLE'))
  await assert.rejects(client(server.url).byId(1), fails('REGISTRY_UNAVAILABLE'))
  await assert.rejects(client('http://127.0.0.1:1', { cacheFolder }).byId(1), fails('REGISTRY_UNAVAILABLE'))
})

test('registry client: a registry that answers goes before the cache', async t => {
  const cacheFolder = folderFor(t)
  let schema = one
  const url = await answering(t, (request, response) => { reply(200, { schema })(request, response) })
  assert.equal(await client(url, { cacheFolder }).byId(1), one)
  schema = withSite
  assert.equal(await client(url, { cacheFolder }).byId(1), withSite)
})

test('registry client: a damaged cache counts as none, and one that cannot be written stops nothing', async t => {
  const cacheFolder = folderFor(t)
  const { server } = await served(t)
  const registry = client(server.url, { cacheFolder })
  await registry.register('s', one)
  assert.equal(await registry.byId(1), one)
  await server.close()
  const [folder] = readdirSync(cacheFolder)
  for (const name of readdirSync(join(cacheFolder, folder!))) {
    const file = join(cacheFolder, folder!, name)
    writeFileSync(file, readFileSync(file, 'utf8').replace('celsius', 'kelvins'))
  }
  await assert.rejects(client(server.url, { cacheFolder }).byId(1), fails('REGISTRY_UNAVAILABLE'))
  const { server: other } = await served(t)
  await actsAsRegistry(client(other.url, { cacheFolder: join('package.json', 'no-folder') }))
})

test('registry configuration: the names of Confluent in the environment, in files and as properties say who, where and how', t => {
  const folder = folderFor(t)
  const file = (name: string, text: string) => { writeFileSync(join(folder, name), text); return join(folder, name) }
  const plain = { user: null, tls: noTls, strategy: 'TopicNameStrategy', timeoutMs: 4_000, retryCount: 3 }
  const ann = { name: 'ann', password: 'p:w' }
  assert.equal(registryConfig({}), null)
  assert.equal(registryConfig({ SCHEMA_REGISTRY_URL: '' }), null)
  assert.deepEqual(registryConfig({ SCHEMA_REGISTRY_URL: 'https://a.example:8081/base/, https://b.example' }), { ...plain, urls: ['https://a.example:8081/base', 'https://b.example'] })
  assert.deepEqual(registryConfig({ SCHEMA_REGISTRY_URL: 'http://ann:p%3Aw@a', SCHEMA_REGISTRY_RETRIES: '0' }), { ...plain, urls: ['http://a'], user: ann, retryCount: 0 })
  assert.deepEqual(registryConfig({ SCHEMA_REGISTRY_URL_FILE: file('url', 'http://a\n'), SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO_FILE: file('user', 'ann:p:w\n'), SCHEMA_REGISTRY_SSL_CA_LOCATION: file('ca', 'PEM') }), { ...plain, urls: ['http://a'], user: ann, tls: { ...noTls, ca: 'PEM' } })
  assert.deepEqual(registryConfig({ SCHEMA_REGISTRY_URL: 'http://other' }, {
    'schema.registry.url': 'https://a', 'basic.auth.credentials.source': 'USER_INFO', 'schema.registry.basic.auth.user.info': 'ann:p:w', 'schema.registry.ssl.truststore.type': 'PEM', 'schema.registry.ssl.truststore.location': file('trust', 'CA'),
    'schema.registry.ssl.certificate.location': file('cert', 'CERT'), 'schema.registry.ssl.key.location': file('key', 'KEY'), 'schema.registry.ssl.key.password': 'word', 'schema.registry.ssl.endpoint.identification.algorithm': '',
    'value.subject.name.strategy': 'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy', 'schema.registry.request.timeout.ms': '50',
  }), { urls: ['https://a'], user: ann, tls: { ca: 'CA', cert: 'CERT', key: 'KEY', passphrase: 'word', isNamed: false }, strategy: 'TopicRecordNameStrategy', timeoutMs: 50, retryCount: 3 })
  const url = { 'schema.registry.url': 'http://a' }
  const wrongs: readonly (readonly [Record<string, string>, Record<string, string>, RegExp])[] = [
    [{ SCHEMA_REGISTRY_URL: 'localhost:8081' }, {}, /schema.registry.url/], [{ SCHEMA_REGISTRY_URL: 'ftp://a' }, {}, /SCHEMA_REGISTRY_URL/], [{ SCHEMA_REGISTRY_URL: 'http://a', SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'canary' }, {}, /user:password/],
    [{ SCHEMA_REGISTRY_URL: 'http://a', SCHEMA_REGISTRY_RETRIES: '-1' }, {}, /whole number/], [{ SCHEMA_REGISTRY_URL: 'http://a', SCHEMA_REGISTRY_SSL_CA_LOCATION: join(folder, 'none') }, {}, /ENOENT/],
    [{ SCHEMA_REGISTRY_URL: 'http://a', SCHEMA_REGISTRY_URL_FILE: join(folder, 'url') }, {}, /as well/], [{}, { ...url, 'schema.registry.urls': 'x' }, /nearest="schema.registry.url"/], [{}, { ...url, 'basic.auth.credentials.source': 'USER_INFO' }, /basic.auth.user.info/],
    [{}, { ...url, 'schema.registry.ssl.certificate.location': join(folder, 'cert') }, /go together/], [{}, { ...url, 'schema.registry.ssl.keystore.type': 'JKS' }, /PEM/], [{}, { ...url, 'value.subject.name.strategy': 'Mine' }, /RecordNameStrategy/], [{}, { ...url, 'basic.auth.credentials.source': 'SASL_INHERIT' }, /USER_INFO/],
  ]
  for (const [environment, properties, says] of wrongs) {
    assert.throws(() => registryConfig(environment, properties), (error: StreamError) => fails('REGISTRY_CONFIG')(error) && says.test(error.message) && !error.message.includes('canary'), JSON.stringify([environment, properties]))
  }
})

test('registry client: over mutual TLS it shows its certificate, and without one it is not let in', async t => {
  const ca = makeCertificate('ca', null)
  const [server, mine, foreign] = [makeCertificate('server', ca), makeCertificate('client', ca), makeCertificate('client', makeCertificate('other ca', null))]
  const { server: { url } } = await served(t, { tls: { key: server.key, cert: server.cert, clientCa: ca.cert } })
  await actsAsRegistry(client(url, { tls: { ...noTls, ca: ca.cert, cert: mine.cert, key: mine.key } }))
  await assert.rejects(client(url, { tls: { ...noTls, ca: ca.cert } }).subjects(), fails('REGISTRY_UNAVAILABLE'))
  await assert.rejects(client(url, { tls: { ...noTls, ca: ca.cert, cert: foreign.cert, key: foreign.key } }).subjects(), fails('REGISTRY_UNAVAILABLE'))
})

test('registry client: every address is tried before it pauses, and the one that answered is asked first', async t => {
  const calls: string[] = []
  const urls = await Promise.all(['a', 'b', 'c'].map(name => answering(t, (request, response) => { calls.push(name); reply(name === 'c' ? 200 : 503, name === 'c' ? [] : {})(request, response) })))
  const clock = impatient()
  const registry = client(urls[0]!, { urls, clock })
  await registry.subjects()
  await registry.subjects()
  assert.deepEqual([calls.join(''), clock.slept], ['abcc', []])
})

test('registry client: a schema is asked for by its GUID, and its references are written into it, also from the cache', async t => {
  const cacheFolder = folderFor(t)
  const catalogue = await SchemaCatalogue.open(memoryStore())
  const server = await serveRegistry({ catalogue })
  const { references, schema, expected } = await withReferences(catalogue)
  const id = await catalogue.register({ subject: 'order-value', schema, references })
  const guid = catalogue.byId(id)!.guid
  const registry = client(server.url, { cacheFolder })
  for (const found of [await registry.byId(id), await registry.byGuid(guid), (await registry.latest('order-value'))!.schema, await cataloguePort(catalogue).byGuid(guid)]) assert.deepEqual(parseAvro(found!), parseAvro(expected))
  assert.equal(await registry.byGuid('00000000-0000-0000-0000-000000000000'), null)
  await server.close()
  assert.deepEqual(parseAvro((await client(server.url, { cacheFolder }).byGuid(guid))!), parseAvro(expected))
})

test('registry client: whether a schema could be registered is asked of the registry, which says why not', async t => {
  const { server } = await served(t)
  const registry = client(server.url)
  assert.deepEqual(await registry.conflicts('s', one), [])
  await registry.register('s', one)
  assert.deepEqual(await registry.conflicts('s', withSite), [])
  const [why, ...more] = await registry.conflicts('s', needsSite)
  assert.match(why!, /site/)
  assert.deepEqual(more, [])
})
