import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { StreamError } from '../../pipelines/core/errors.ts'

/** PEM files of TLS connections, as plain data. */
export interface TlsSettings {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly passphrase?: string
  /** Accepted in every node's certificate, where that does not have its address. */
  readonly serverName?: string
}

const properties = { caFile: 'ssl.ca.location', certFile: 'ssl.certificate.location', keyFile: 'ssl.key.location' } as const
const lastGood = new Map<string, SecureContext>()

/**
 * What the files hold now: asked for every new connection, so that certificates are renewed without a restart. While one is being replaced (gone, cut off, a key
 * that does not fit yet), what was there before is used.
 *
 * Errors: LAKE_CONFIG for what could not be used the first time
 */
export function secureContextOf (tls: TlsSettings): SecureContext {
  const { caFile, certFile, keyFile, passphrase } = tls
  const name = JSON.stringify([caFile, certFile, keyFile])
  try {
    const [ca, cert, key] = [contentOf(tls, 'caFile'), contentOf(tls, 'certFile'), contentOf(tls, 'keyFile')]
    const context = createSecureContext({ ...ca !== undefined && { ca }, ...cert !== undefined && { cert }, ...key !== undefined && { key }, ...passphrase !== undefined && { passphrase } })
    lastGood.set(name, context)
    return context
  } catch (cause) {
    const before = lastGood.get(name)
    if (before !== undefined) return before
    if (cause instanceof StreamError) throw cause
    const of = keyFile !== undefined ? 'keyFile' : certFile !== undefined ? 'certFile' : 'caFile'
    throw new StreamError('LAKE_CONFIG', { property: properties[of], file: tls[of], why: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}

function contentOf (tls: TlsSettings, of: keyof typeof properties): string | undefined {
  const file = tls[of]
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StreamError('LAKE_CONFIG', { property: properties[of], file, why: (cause as NodeJS.ErrnoException).code ?? 'not readable' }, { cause })
  }
}
