import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { secureContextOf } from '../../../connectors/kafka/certificates.ts'
import { makeCertificate } from '../../../infra/local/certificate.ts'
import { tlsCaller } from '../../kit/tls-caller.ts'

test('certificates: each new connection takes what the files hold, and while one is replaced what they held before', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-certificates-'))
  const [old, renewed] = [makeCertificate('old authority', null), makeCertificate('new authority', null)]
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  const caller = await tlsCaller(t, { server: makeCertificate('localhost', renewed), authorities: [old.cert, renewed.cert] })
  const file = (property: string) => ({ property, file: join(folder, property) })
  const tls = { ca: file('ca'), cert: file('cert'), key: file('key') }
  const write = (ca: string, { cert, key }: { readonly cert: string, readonly key: string }) => {
    writeFileSync(tls.ca.file, ca)
    writeFileSync(tls.cert.file, cert)
    writeFileSync(tls.key.file, key)
  }

  const first = makeCertificate('first', old)
  write(old.cert, first)
  assert.match(await caller(() => secureContextOf(tls)), /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET_ISSUER/, 'the server is signed by another authority')
  write(renewed.cert, first)
  assert.equal(await caller(() => secureContextOf(tls)), 'first')
  const second = makeCertificate('second', renewed)
  writeFileSync(tls.cert.file, second.cert)
  assert.equal(await caller(() => secureContextOf(tls)), 'first', 'the key does not fit yet')
  rmSync(tls.key.file)
  assert.equal(await caller(() => secureContextOf(tls)), 'first', 'there is no key')
  writeFileSync(tls.key.file, second.key)
  assert.equal(await caller(() => secureContextOf(tls)), 'second')
})
