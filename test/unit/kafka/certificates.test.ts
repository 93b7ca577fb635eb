import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { secureContextOf, type TlsSettings } from '../../../connectors/kafka/certificates.ts'
import { makeCertificate } from '../../../infra/local/certificate.ts'

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

test('certificates: each new connection takes what the files hold, and while one is replaced what they held before', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-certificates-'))
  const [old, renewed] = [makeCertificate('old authority', null), makeCertificate('new authority', null)]
  const server = createServer({ ...makeCertificate('localhost', renewed), ca: [old.cert, renewed.cert], requestCert: true, rejectUnauthorized: true }, socket => {
    socket.on('error', () => {})
    socket.end(String((socket as TLSSocket).getPeerCertificate().subject.CN))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.close(); rmSync(folder, { recursive: true, force: true }) })
  const { port } = server.address() as { readonly port: number }
  const file = (property: string) => ({ property, file: join(folder, property) })
  const tls = { ca: file('ca'), cert: file('cert'), key: file('key') }
  const write = (ca: string, { cert, key }: { readonly cert: string, readonly key: string }) => {
    writeFileSync(tls.ca.file, ca)
    writeFileSync(tls.cert.file, cert)
    writeFileSync(tls.key.file, key)
  }

  const first = makeCertificate('first', old)
  write(old.cert, first)
  assert.match(await callerOf(tls, port), /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET_ISSUER/, 'the server is signed by another authority')
  write(renewed.cert, first)
  assert.equal(await callerOf(tls, port), 'first')
  const second = makeCertificate('second', renewed)
  writeFileSync(tls.cert.file, second.cert)
  assert.equal(await callerOf(tls, port), 'first', 'the key does not fit yet')
  rmSync(tls.key.file)
  assert.equal(await callerOf(tls, port), 'first', 'there is no key')
  writeFileSync(tls.key.file, second.key)
  assert.equal(await callerOf(tls, port), 'second')
})
