import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { StreamError } from '../../pipelines/core/errors.ts'

/** PEM files of a TLS connection, as plain data. `anyName`: the broker's certificate may be for another name. */
export interface TlsSettings {
  readonly ca?: TlsFile
  readonly cert?: TlsFile
  readonly key?: TlsFile
  readonly passphrase?: string
  readonly anyName?: boolean
}
/** `property` names it in messages. */
export interface TlsFile { readonly property: string, readonly file: string }

const lastGood = new Map<string, SecureContext>()

/**
 * What the files hold now, so that certificates are renewed without a restart: every new connection reads them. While one is being replaced (gone, cut off,
 * a key that does not fit yet), what was there before is used.
 *
 * Errors: KAFKA_CONFIG for what could not be used the first time
 */
export function secureContextOf ({ ca, cert, key, passphrase }: TlsSettings): SecureContext {
  const name = JSON.stringify([ca, cert, key])
  try {
    const context = createSecureContext({
      ...ca !== undefined && { ca: contentOf(ca) }, ...cert !== undefined && { cert: contentOf(cert) }, ...key !== undefined && { key: contentOf(key) }, ...passphrase !== undefined && { passphrase },
    })
    lastGood.set(name, context)
    return context
  } catch (cause) {
    const before = lastGood.get(name)
    if (before !== undefined) return before
    if (cause instanceof StreamError) throw cause
    const { property, file } = (key ?? cert ?? ca)!
    throw new StreamError('KAFKA_CONFIG', { property, file, why: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}

/** Errors: KAFKA_CONFIG */
export function contentOf ({ property, file }: TlsFile): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StreamError('KAFKA_CONFIG', { property, file, why: (cause as NodeJS.ErrnoException).code ?? 'not readable' }, { cause })
  }
}
