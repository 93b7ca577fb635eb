import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { kafkaEnvironment, kafkaSettings } from '../../../connectors/kafka/public.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { makeCertificate } from '../../../infra/local/certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-'))
after(() => { rmSync(folder, { recursive: true }) })
const file = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const servers = { 'bootstrap.servers': 'a:9092' }
const refused = (details: Readonly<Record<string, unknown>>) => (error: unknown) => {
  assert(error instanceof StreamError)
  assert.equal(error.code, 'KAFKA_CONFIG')
  for (const [key, value] of Object.entries(details)) assert.equal(error.details[key], value, error.message)
  return true
}

test('kafka settings have defaults, and several brokers, names and addresses alike', () => {
  const settings = kafkaSettings({ 'bootstrap.servers': 'kafka-1.example.com:9092, 10.0.0.1:9093,[::1]:9094' })
  assert.deepEqual(settings.brokers, [{ host: 'kafka-1.example.com', port: 9092 }, { host: '10.0.0.1', port: 9093 }, { host: '::1', port: 9094 }])
  assert.equal(settings.transactionTimeoutMs, 10_000)
  assert.equal(settings.connection.tls, undefined)
  assert.equal(settings.connection.sasl, undefined)
})

test('kafka settings refuse what is not a property, and name the nearest one', () => {
  assert.throws(() => kafkaSettings({ 'bootstrap.server': 'a:9092' }), refused({ property: 'bootstrap.server', nearest: 'bootstrap.servers' }))
  assert.throws(() => kafkaSettings({ ...servers, '__proto__x': '1' }), refused({ property: '__proto__x' }))
})

test('kafka settings refuse wrong values and never say a password', () => {
  assert.throws(() => kafkaSettings({}), refused({ property: 'bootstrap.servers', why: 'required' }))
  for (const bad of ['a', 'a:', ':9092', 'a:b', 'a:99999', 'a:9092,,', 'a b:9092']) assert.throws(() => kafkaSettings({ 'bootstrap.servers': bad }), refused({ property: 'bootstrap.servers' }), bad)
  assert.throws(() => kafkaSettings({ ...servers, 'session.timeout.ms': '10s' }), refused({ property: 'session.timeout.ms' }))
  assert.throws(() => kafkaSettings({ ...servers, 'session.timeout.ms': '1' }), refused({ property: 'session.timeout.ms' }))
  assert.throws(() => kafkaSettings({ ...servers, 'security.protocol': 'TLS' }), refused({ property: 'security.protocol' }))
  assert.throws(() => kafkaSettings({ ...servers, 'sasl.mechanism': 'PLAIN' }), refused({ property: 'security.protocol' }))
  const secret = 'canary-77'
  assert.throws(() => kafkaSettings({ ...servers, 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN', 'sasl.password': secret }), error => !String((error as Error).message).includes(secret) && refused({ property: 'sasl.username' })(error))
})

test('kafka settings take user and password from Java\'s JAAS line', () => {
  const jaas = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="ann" password="a\\"b=c";'
  const { connection } = kafkaSettings({ ...servers, 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.jaas.config': jaas })
  assert.deepEqual(connection.sasl, { mechanism: 'SCRAM-SHA-512', username: 'ann', password: 'a"b=c' })
  assert.equal(connection.tls, undefined)
})

test('kafka settings read certificates at once, check them always, and names unless told not to', () => {
  const authority = makeCertificate('authority', null)
  const client = makeCertificate('client', authority)
  const ca = file('ca.pem', authority.cert)
  const both = file('both.pem', client.cert + client.key)
  const { connection: { tls } } = kafkaSettings({ ...servers, 'security.protocol': 'SSL', 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': ca, 'ssl.keystore.location': both, 'ssl.key.password': 'p' })
  assert.deepEqual(tls, { ca: { property: 'ssl.truststore.location', file: ca }, cert: { property: 'ssl.keystore.location', file: both }, key: { property: 'ssl.keystore.location', file: both }, passphrase: 'p' })
  assert.throws(() => kafkaSettings({ ...servers, 'security.protocol': 'SSL', 'ssl.keystore.location': file('broken.pem', 'CERT') }), refused({ property: 'ssl.keystore.location' }))
  assert.equal(kafkaSettings({ ...servers, 'security.protocol': 'SSL', 'ssl.endpoint.identification.algorithm': '' }).connection.tls?.anyName, true)
  assert.throws(() => kafkaSettings({ ...servers, 'security.protocol': 'SSL', 'ssl.ca.location': join(folder, 'none') }), refused({ property: 'ssl.ca.location', why: 'ENOENT' }))
  assert.throws(() => kafkaSettings({ ...servers, 'security.protocol': 'SSL', 'ssl.certificate.location': ca }), refused({ property: 'ssl.key.location' }))
  assert.throws(() => kafkaSettings({ ...servers, 'security.protocol': 'SSL', 'ssl.truststore.type': 'JKS' }), refused({ property: 'ssl.truststore.type' }))
})

test('the environment gives properties, from files too, and passes over what is not Kafka\'s', () => {
  const secret = file('password', 'from a file\n')
  assert.deepEqual(kafkaEnvironment({ KAFKA_BOOTSTRAP_SERVERS: 'a:1', KAFKA_SASL_PASSWORD_FILE: secret, KAFKA_HEAP_OPTS: '-Xmx1g', PATH: '/bin' }), { 'bootstrap.servers': 'a:1', 'sasl.password': 'from a file' })
  assert.throws(() => kafkaEnvironment({ KAFKA_SASL_PASSWORD: 'x', KAFKA_SASL_PASSWORD_FILE: secret }), refused({ variable: 'KAFKA_SASL_PASSWORD' }))
  assert.throws(() => kafkaEnvironment({ KAFKA_SASL_PASSWORD_FILE: join(folder, 'none') }), refused({ property: 'KAFKA_SASL_PASSWORD_FILE', why: 'ENOENT' }))
})

test('kafka settings say where a token comes from, and let no secret travel in the open', () => {
  const bearer = { ...servers, 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'OAUTHBEARER' }
  const url = 'sasl.oauthbearer.token.endpoint.url'
  assert.deepEqual(kafkaSettings({ ...bearer, 'sasl.oauthbearer.token': 't' }).connection.sasl, { mechanism: 'OAUTHBEARER', source: { kind: 'given', token: 't' }, extensions: {} })
  assert.deepEqual(kafkaSettings({ ...bearer, [url]: 'file:///run/token' }).connection.sasl, { mechanism: 'OAUTHBEARER', source: { kind: 'file', file: '/run/token' }, extensions: {} })
  const jaas = { 'sasl.jaas.config': 'x required clientId="id" clientSecret="s" scope="k" extension_logicalCluster="lkc-1";' }
  assert.deepEqual(kafkaSettings({ ...bearer, [url]: 'https://idp/token', ...jaas }).connection.sasl, {
    mechanism: 'OAUTHBEARER', source: { kind: 'endpoint', url: 'https://idp/token', clientId: 'id', clientSecret: 's', scope: 'k', ca: null }, extensions: { logicalCluster: 'lkc-1' },
  })
  assert.throws(() => kafkaSettings({ ...bearer, [url]: 'http://idp/token', ...jaas }), refused({ property: url }))
  assert.throws(() => kafkaSettings(bearer), refused({ property: url }))
  assert.throws(() => kafkaSettings({ ...bearer, [url]: 'https://idp/token' }), refused({ property: 'sasl.oauthbearer.client.credentials.client.id' }))
})
