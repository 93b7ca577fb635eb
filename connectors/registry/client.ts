import { type ErrorCode, StreamError } from '../../pipelines/core/errors.ts'
import { hashText } from '../../pipelines/core/hash.ts'
import type { ClockPort, RegistryPort } from '../../pipelines/core/ports.ts'
import { bundledSchema } from '../../schemas/normal.ts'
import { type AnswerCache, diskCache, noCache } from './cache.ts'
import type { RegistryConfig } from './config.ts'
import { type Answer, type Send, sender } from './http.ts'

export interface RegistryClientOptions extends RegistryConfig {
  readonly clock: ClockPort
  /** Where answers are kept for a start without the registry; null: nowhere. */
  readonly cacheFolder: string | null
  readonly send?: Send
}

const firstPauseMs = 100
const pauseMsMax = 2_000
/** Of all that a schema refers to, directly or not. */
const referencesMax = 256
/** After a failure, answers in the cache are given at once for so long. */
const downMs = 5_000

interface Found { readonly id: number, readonly version: number, readonly schema: string }
interface Question { readonly method: 'GET' | 'POST', readonly path: readonly string[], readonly body?: object, readonly query?: string, /** Not to be answered from the cache. */ readonly isFresh?: boolean, /** Error codes that mean: there is none. */ readonly absent?: readonly number[] }

/**
 * A registry that speaks Confluent's REST API, as the port that pipelines use. Ids are asked once: what stands behind an id never changes.
 *
 * State:    every schema met, by id
 * Delivery: an answer of the registry goes before the cache on disk, which is read only while the registry cannot be reached
 * Errors:   REGISTRY_UNAVAILABLE, REGISTRY_DENIED, REGISTRY_REFUSED, REGISTRY_UNSUPPORTED, REGISTRY_SCHEMA, REGISTRY_INCOMPATIBLE
 */
export function registryClient (options: RegistryClientOptions): RegistryPort {
  const { urls, cacheFolder, strategy } = options
  const asker = new Asker(options, cacheFolder === null ? noCache : diskCache(cacheFolder, urls))
  const kept = new Map<number | string, string>()
  const versionOf = async (subject: string, version: string): Promise<Found | null> => {
    const found = await asker.ask({ method: 'GET', path: ['subjects', subject, 'versions', version], absent: [40401, 40402] })
    return found === null ? null : { id: numberIn(found, 'id'), version: numberIn(found, 'version'), schema: await bundled(asker, found, { subject, version }) }
  }
  const named = async (kind: 'ids' | 'guids', name: number | string): Promise<string | null> => {
    const known = kept.get(name)
    if (known !== undefined) return known
    const found = await asker.ask({ method: 'GET', path: ['schemas', kind, String(name)], absent: [40403] })
    if (found === null) return null
    const schema = await bundled(asker, found, { [kind === 'ids' ? 'id' : 'guid']: name })
    kept.set(name, schema)
    return schema
  }
  return {
    strategy,
    byId: id => named('ids', id),
    byGuid: guid => named('guids', guid),
    async register (subject, avro) {
      return numberIn(await asker.ask({ method: 'POST', path: ['subjects', subject, 'versions'], body: { schema: avro } }), 'id')
    },
    async conflicts (subject, avro) {
      const found = await asker.ask({ method: 'POST', path: ['compatibility', 'subjects', subject, 'versions'], query: '?verbose=true', body: { schema: avro }, absent: [40401, 40402], isFresh: true })
      if (found === null) return []
      const { is_compatible: fits, messages } = found as { readonly is_compatible?: unknown, readonly messages?: unknown }
      if (typeof fits !== 'boolean') throw refused(found)
      return fits ? [] : Array.isArray(messages) && messages.length > 0 ? messages.map(String) : ['the registry does not say why']
    },
    latest: subject => versionOf(subject, 'latest'),
    version: (subject, version) => versionOf(subject, String(version)),
    async subjects () {
      const found = await asker.ask({ method: 'GET', path: ['subjects'] })
      if (!Array.isArray(found)) throw refused(found)
      return found.map(String).sort()
    },
  }
}

/** Puts a question to the registry, and to the cache when it cannot be reached. */
class Asker {
  readonly #options: RegistryClientOptions
  readonly #cache: AnswerCache
  readonly #send: Send
  #turn = 0
  #downUntilMs = Number.NEGATIVE_INFINITY

  constructor (options: RegistryClientOptions, cache: AnswerCache) {
    this.#options = options
    this.#cache = cache
    this.#send = options.send ?? sender(options)
  }

  async ask (question: Question): Promise<unknown> {
    const { clock } = this.#options
    const name = `${question.method} ${question.path.join('/')}${question.body === undefined ? '' : ` ${hashText(JSON.stringify(question.body))}`}`
    if (question.isFresh === true) return this.#answer(question)
    if (clock.monotonicMs() < this.#downUntilMs) {
      const kept = await this.#cache.read(name)
      if (kept !== undefined) return kept
    }
    try {
      const answer = await this.#answer(question)
      this.#downUntilMs = Number.NEGATIVE_INFINITY
      // What is not there now may be there later: only what was found is kept.
      if (answer !== null) await this.#cache.write(name, answer)
      return answer
    } catch (error) {
      if (!(error instanceof StreamError) || error.code !== 'REGISTRY_UNAVAILABLE') throw error
      this.#downUntilMs = clock.monotonicMs() + downMs
      const kept = await this.#cache.read(name)
      if (kept === undefined) throw error
      return kept
    }
  }

  /** Tries every address in turn, with growing pauses. */
  async #answer ({ method, path, body, query = '', absent = [] }: Question): Promise<unknown> {
    const { urls, retryCount, clock } = this.#options
    let last: unknown = null
    for (let tries = 0; tries < (retryCount + 1) * urls.length; tries += 1) {
      const rounds = Math.floor(tries / urls.length)
      if (rounds > 0 && tries % urls.length === 0) await clock.sleep(Math.min(pauseMsMax, firstPauseMs * 2 ** (rounds - 1)))
      const base = urls[this.#turn % urls.length]!
      try {
        const answer = await this.#send(method, new URL(`${base}/${path.map(encodeURIComponent).join('/')}${query}`), body ?? null)
        if (answer.status < 500 && answer.status !== 429) return checked(answer, { absent, path })
        last = new Error(`status ${answer.status}: ${messageOf(answer)}`)
      } catch (error) {
        if (error instanceof StreamError) throw error
        last = error
      }
      this.#turn += 1
    }
    throw new StreamError('REGISTRY_UNAVAILABLE', { url: urls.join(','), asked: path.join('/'), problem: last instanceof Error ? problemOf(last) : String(last) }, { cause: last })
  }
}

/** The answer's content; null when the registry says there is none. A 404 without its code is not the answer of a registry. */
function checked ({ status, body }: Answer, { absent, path }: { readonly absent: readonly number[], readonly path: readonly string[] }): unknown {
  if (status === 200 && body !== null) return body
  const code = typeof body === 'object' && body !== null && 'error_code' in body ? body.error_code : null
  if (typeof code === 'number' && absent.includes(code)) return null
  const known: Readonly<Record<number, ErrorCode>> = { 401: 'REGISTRY_DENIED', 403: 'REGISTRY_DENIED', 409: 'REGISTRY_INCOMPATIBLE' }
  throw new StreamError(code === 42201 ? 'REGISTRY_SCHEMA' : known[status] ?? 'REGISTRY_REFUSED', { asked: path.join('/'), status, answer: messageOf({ status, body }) })
}

function messageOf ({ body }: Answer): string {
  return typeof body === 'object' && body !== null && 'message' in body ? String(body.message).slice(0, 1_000) : body === null ? 'no JSON' : JSON.stringify(body).slice(0, 200)
}

/** Node names every address it tried in an error without a message of its own. */
function problemOf (error: Error): string {
  return error.message !== '' ? error.message : (error as NodeJS.ErrnoException).code ?? error.name
}

interface Written { readonly schema?: unknown, readonly schemaType?: unknown, readonly references?: unknown }
type Asked = Readonly<Record<string, unknown>>

/** A schema with what it refers to written out. */
async function bundled (asker: Asker, found: unknown, asked: Asked): Promise<string> {
  const texts = new Map<string, string>()
  const follow = async ({ references }: Written): Promise<void> => {
    for (const reference of Array.isArray(references) ? references : []) {
      const { subject, version } = reference as { readonly subject?: unknown, readonly version?: unknown }
      if (typeof subject !== 'string' || typeof version !== 'number') throw refused(found)
      const key = JSON.stringify([subject, version])
      if (texts.has(key)) continue
      if (texts.size === referencesMax) throw new StreamError('REGISTRY_UNSUPPORTED', { ...asked, referencesMax })
      // Also one that was deleted softly since.
      const next = await asker.ask({ method: 'GET', path: ['subjects', subject, 'versions', String(version)], query: '?deleted=true', absent: [40401, 40402] }) as Written | null
      if (next === null) throw new StreamError('REGISTRY_UNSUPPORTED', { ...asked, reference: key, problem: 'not there' })
      texts.set(key, avroIn(next, asked))
      await follow(next)
    }
  }
  const schema = avroIn(found, asked)
  await follow(found as Written)
  return bundledSchema(schema, [...texts.values()])
}

function avroIn (found: unknown, asked: Asked): string {
  const { schema, schemaType } = found as Written
  if (schemaType !== undefined && schemaType !== null && schemaType !== 'AVRO') throw new StreamError('REGISTRY_UNSUPPORTED', { ...asked, schemaType })
  if (typeof schema !== 'string') throw refused(found)
  return schema
}

function numberIn (found: unknown, name: 'id' | 'version'): number {
  const value = (found as Readonly<Record<string, unknown>> | null)?.[name]
  if (typeof value !== 'number') throw refused(found)
  return value
}

const refused = (found: unknown) => new StreamError('REGISTRY_REFUSED', { answer: JSON.stringify(found)?.slice(0, 200) })
