import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { secureContextOf, type TlsSettings } from '../../../connectors/cassandra/certificates.ts'
import { makeCertificate } from '../../../infra/local/certificate.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'

/** Who the server says the client is, or what went wrong. */
async function callerOf (tls: TlsSettings, port: number): Promise<string> {
  try {
    const socket = connect({ host: '127.0.0.1', port, secureContext: secureContextOf(tls), rejectUnauthorized: true })
    const [said] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])]) as [Buffer | string]
    socket.destroy()
    return String(said)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

test('certificates of Cassandra: each new connection takes what the files hold, and while one is replaced what they held before', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-certificates-'))
  const authority = makeCertificate('authority', null)
  const server = createServer({ ...makeCertificate('localhost', authority), ca: [authority.cert], requestCert: true, rejectUnauthorized: true }, socket => {
    socket.on('error', () => {})
    socket.end(String((socket as TLSSocket).getPeerCertificate().subject.CN))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.close(); rmSync(folder, { recursive: true, force: true }) })
  const { port } = server.address() as { readonly port: number }
  const tls = { caFile: join(folder, 'ca'), certFile: join(folder, 'cert'), keyFile: join(folder, 'key') }
  assert.throws(() => secureContextOf(tls), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_CONFIG' && error.details.property === 'ssl.ca.location')
  const [first, second] = [makeCertificate('first', authority), makeCertificate('second', authority)]
  writeFileSync(tls.caFile, authority.cert)
  writeFileSync(tls.certFile, first.cert)
  writeFileSync(tls.keyFile, second.key)
  assert.throws(() => secureContextOf(tls), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_CONFIG' && error.details.property === 'ssl.key.location')
  writeFileSync(tls.keyFile, first.key)
  assert.equal(await callerOf(tls, port), 'first')
  writeFileSync(tls.certFile, second.cert)
  assert.equal(await callerOf(tls, port), 'first', 'the key does not fit yet')
  rmSync(tls.caFile)
  assert.equal(await callerOf(tls, port), 'first', 'there is no authority')
  writeFileSync(tls.caFile, authority.cert)
  writeFileSync(tls.keyFile, second.key)
  assert.equal(await callerOf(tls, port), 'second')
})
