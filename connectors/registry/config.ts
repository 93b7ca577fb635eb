import { readFileSync } from 'node:fs'
import { StreamError } from '../../pipelines/core/errors.ts'

export interface RegistryConfig {
  /** One registry may have several addresses; without user, password or trailing slash. */
  readonly urls: readonly string[]
  readonly user: { readonly name: string, readonly password: string } | null
  /** PEM of the CA to trust instead of the machine's. */
  readonly ca: string | null
  readonly timeoutMs: number
  /** After the first try. */
  readonly retryCount: number
}

const names = { url: 'SCHEMA_REGISTRY_URL', user: 'SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO', ca: 'SCHEMA_REGISTRY_SSL_CA_LOCATION', timeout: 'SCHEMA_REGISTRY_REQUEST_TIMEOUT_MS', retries: 'SCHEMA_REGISTRY_RETRIES' } as const
const defaults = { timeoutMs: 5_000, retryCount: 3 } as const

/**
 * Where the registry is, from environment variables: SCHEMA_REGISTRY_URL (several separated by commas), _BASIC_AUTH_USER_INFO as
 * `user:password` (or in the URL), _SSL_CA_LOCATION, _REQUEST_TIMEOUT_MS, _RETRIES. Each also as `..._FILE`, a file that holds the value.
 * Null when there is no URL.
 *
 * Errors: REGISTRY_CONFIG
 */
export function registryConfig (environment: Readonly<Record<string, string | undefined>>): RegistryConfig | null {
  const read = (name: string) => environment[name] ?? (environment[`${name}_FILE`] === undefined ? undefined : fileText(`${name}_FILE`, environment[`${name}_FILE`]!).trim())
  const list = read(names.url)
  if (list === undefined || list.trim() === '') return null
  const urls = list.split(',').map(text => urlOf(text.trim()))
  const given = read(names.user)
  const [{ username, password }] = urls as [URL, ...URL[]]
  const caFile = read(names.ca)
  return {
    urls: urls.map(url => `${url.origin}${url.pathname.replace(/\/$/, '')}`),
    user: given !== undefined ? userOf(given) : username === '' ? null : { name: decodeURIComponent(username), password: decodeURIComponent(password) },
    ca: caFile === undefined ? null : fileText(names.ca, caFile),
    timeoutMs: count(names.timeout, read(names.timeout), { otherwise: defaults.timeoutMs, min: 1 }),
    retryCount: count(names.retries, read(names.retries), { otherwise: defaults.retryCount, min: 0 }),
  }
}

function urlOf (text: string): URL {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new StreamError('REGISTRY_CONFIG', { name: names.url, expected: 'http://host:port or https://host:port' })
  return url
}

function userOf (text: string): { readonly name: string, readonly password: string } {
  const at = text.indexOf(':')
  if (at < 1) throw new StreamError('REGISTRY_CONFIG', { name: names.user, expected: 'user:password' })
  return { name: text.slice(0, at), password: text.slice(at + 1) }
}

function fileText (name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StreamError('REGISTRY_CONFIG', { name, file, problem: (cause as NodeJS.ErrnoException).code }, { cause })
  }
}

function count (name: string, text: string | undefined, { otherwise, min }: { readonly otherwise: number, readonly min: number }): number {
  if (text === undefined) return otherwise
  if (!/^\d{1,9}$/.test(text) || Number(text) < min) throw new StreamError('REGISTRY_CONFIG', { name, expected: `a whole number from ${min} on`, value: text })
  return Number(text)
}
