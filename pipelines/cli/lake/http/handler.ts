import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LakeReaderPort } from '../../../core/lake-ports.ts'
import { StreamError } from '../../../core/errors.ts'
import { type TextFormat, written } from '../formats.ts'
import { limited, type Sheet, type SheetPiece } from '../sheet.ts'
import { amountOf, rangeOf } from '../words.ts'
import { routeOf, type Values, valuesOf } from './declare.ts'
import { docsPage } from './docs-page.ts'
import { type Guard, guarded } from './guard.ts'
import { openApi } from './openapi.ts'
import { Problem, problemOf } from './problem.ts'
import { formats, routes } from './routes.ts'

export interface LakeLimits {
  /** Of one answer, unless `limit` asks for fewer: beyond it the transfer is broken off. */
  readonly rowsMax: number
  readonly rangeMsMax: number
  readonly queriesMax: number
  readonly queryMsMax: number
  readonly urlCharsMax: number
}
export const lakeLimits: LakeLimits = { rowsMax: 1_000_000, rangeMsMax: 400 * 86_400_000, queriesMax: 4, queryMsMax: 60_000, urlCharsMax: 4_096 }

export interface LakeHandlerOptions {
  /** Asked at every request; null: there is none yet. */
  readonly reader: () => LakeReaderPort | null
  readonly version: string
  readonly guard: Guard
  readonly limits?: Partial<LakeLimits>
  /** Told of what no client is: mistakes of ours, and what the lake said. */
  readonly onError?: (error: unknown) => void
  readonly nowMs?: () => number
}

export interface LakeHandler { serves (path: string): boolean, answer (request: IncomingMessage, response: ServerResponse): Promise<void> }

/**
 * Answers questions to a lake over HTTP.
 *
 * Delivery: an answer that breaks off (the lake fails, a limit) ends without the last chunk: clients see an error, never a short answer that looks whole
 * Limits:   `LakeLimits`; a client that goes away, or takes too long, stops the scan
 * Errors:   as problems (RFC 9457); never a stack trace
 */
export function lakeHandler (options: LakeHandlerOptions): LakeHandler {
  const handler = new Handler(options)
  return {
    serves: path => path.startsWith('/v1/') || path === '/openapi.json' || path === '/docs',
    answer: (request, response) => handler.answer(request, response),
  }
}

class Handler {
  readonly #options: LakeHandlerOptions
  readonly #limits: LakeLimits
  #running = 0

  constructor (options: LakeHandlerOptions) {
    this.#options = options
    this.#limits = { ...lakeLimits, ...options.limits }
  }

  async answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?', 1)
    try {
      await this.#answer(path, request, response)
    } catch (error) {
      const problem = problemOf(error, { inPath: path.startsWith('/v1/rollups/') })
      if (problem.status >= 500 && !(error instanceof Problem)) this.#options.onError?.(error)
      if (response.headersSent || response.destroyed) response.destroy()
      else respond(response, { status: problem.status, type: 'application/problem+json', body: problem.body, headers: problem.headers })
    }
  }

  async #answer (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { guard, version } = this.#options
    const { method, url = '' } = request
    if (method !== 'GET' && method !== 'HEAD') throw new Problem(405, { title: 'Only GET and HEAD', detail: 'A lake is only read here' }, { allow: 'GET, HEAD' })
    if (url.length > this.#limits.urlCharsMax) throw new Problem(414, { title: 'The URL is too long', detail: `At most ${this.#limits.urlCharsMax} characters` })
    if (path === '/docs') { docsPage(response, routes); return }
    guarded(request, guard)
    const reader = this.#options.reader()
    if (reader === null) throw new Problem(503, { title: 'There is no lake to ask yet', detail: 'The pipeline is starting, or its definition has no lake' }, { 'retry-after': '5' })
    if (path === '/openapi.json') {
      respond(response, { status: 200, type: 'application/json', body: `${JSON.stringify(openApi(routes, { layout: reader.layout, version, hasToken: guard.token !== null }))}\n` })
      return
    }
    const found = routeOf(routes, path)
    if (found === null) throw new Problem(404, { title: 'There is no such path', detail: `There are ${[...routes.map(route => route.path), '/openapi.json', '/docs'].join(', ')}` })
    const values = valuesOf(found.route, found.values, new URL(url, 'http://host').searchParams)
    const format = formatOf(values, request.headers.accept)
    await this.#within(request, response, async abort => {
      const sheet = this.#bounded(found.route.answer(reader, values, { nowMs: this.#options.nowMs?.() ?? Date.now(), abort }), values)
      await stream({ sheet, format, response, headOnly: method === 'HEAD', abort })
    })
  }

  /** One of so many queries at a time; `abort` says that the client has gone, or that its time is over. */
  async #within (request: IncomingMessage, response: ServerResponse, run: (abort: AbortSignal) => Promise<void>): Promise<void> {
    const { queriesMax, queryMsMax } = this.#limits
    if (this.#running >= queriesMax) throw new Problem(429, { title: 'Too many queries at once', detail: `At most ${queriesMax}; ask again in a moment` }, { 'retry-after': '1' })
    const stop = new AbortController()
    const gone = () => { stop.abort(new Problem(499, { title: 'The client has gone', detail: '' })) }
    const timer = setTimeout(() => { stop.abort(new Problem(504, { title: 'The query takes too long', detail: `At most ${queryMsMax} ms: ask for a shorter range, fewer devices, or a coarser interval` })) }, queryMsMax)
    response.once('close', gone)
    this.#running += 1
    try {
      await run(stop.signal)
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error
    } finally {
      this.#running -= 1
      clearTimeout(timer)
      response.off('close', gone)
      request.resume()
    }
  }

  #bounded (sheet: Sheet, values: Values): Sheet {
    const { rowsMax, rangeMsMax } = this.#limits
    checkRange(values, rangeMsMax, this.#options.nowMs?.() ?? Date.now())
    const limit = values.maybe('limit')
    if (limit !== undefined) return limited(sheet, amountOf('limit', limit, { max: rowsMax }))
    return { heads: sheet.heads, pieces: refusing(sheet.pieces, rowsMax) }
  }
}

function checkRange (values: Values, rangeMsMax: number, nowMs: number): void {
  const [from, to] = [values.maybe('from'), values.maybe('to')]
  if (from === undefined || to === undefined) return
  const range = rangeOf({ from, to }, nowMs)
  if (range.to - range.from > rangeMsMax) throw new Problem(400, { title: 'The range is too long', detail: `At most ${rangeMsMax / 86_400_000} days in one request`, parameter: 'from' })
}

async function * refusing (pieces: AsyncIterable<SheetPiece>, rowsMax: number): AsyncGenerator<SheetPiece> {
  let rows = 0
  for await (const piece of pieces) {
    rows += piece.count
    if (rows > rowsMax) throw new Problem(422, { title: 'The answer has too many rows', detail: `At most ${rowsMax}: give limit, or ask for less at a time`, parameter: 'limit' })
    yield piece
  }
}

interface Streamed { readonly sheet: Sheet, readonly format: keyof typeof formats, readonly response: ServerResponse, readonly headOnly: boolean, readonly abort: AbortSignal }

/** The first piece is read before the first byte is sent: what is wrong with a question comes as a problem. */
async function stream ({ sheet, format, response, headOnly, abort }: Streamed): Promise<void> {
  const pieces = sheet.pieces[Symbol.asyncIterator]()
  try {
    const first = await pieces.next()
    abort.throwIfAborted()
    response.writeHead(200, { ...safeHeaders, 'content-type': formats[format], 'vary': 'accept' })
    if (headOnly) { response.end(); return }
    for await (const text of written({ heads: sheet.heads, pieces: from(first, pieces) }, format satisfies TextFormat)) {
      abort.throwIfAborted()
      if (!response.write(text)) await drained(response, abort)
    }
    response.end()
  } finally {
    await pieces.return?.()
  }
}

async function * from (first: IteratorResult<SheetPiece>, rest: AsyncIterator<SheetPiece>): AsyncGenerator<SheetPiece> {
  for (let next = first; next.done !== true; next = await rest.next()) yield next.value
}

function drained (response: ServerResponse, abort: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      response.off('drain', settle)
      abort.removeEventListener('abort', settle)
      if (abort.aborted) reject(abort.reason as Error)
      else resolve()
    }
    response.once('drain', settle)
    abort.addEventListener('abort', settle, { once: true })
    if (abort.aborted) settle()
  })
}

/** `format`, else what Accept likes best; anything is JSON. Errors: LAKE_ASK, Problem 406 */
function formatOf (values: Values, accept = '*/*'): keyof typeof formats {
  const names = Object.keys(formats) as (keyof typeof formats)[]
  const asked = values.maybe('format')
  if (asked !== undefined) {
    const format = names.find(name => name === asked)
    if (format === undefined) throw new StreamError('LAKE_ASK', { parameter: 'format', given: asked.slice(0, 100), expected: names.join(', ') })
    return format
  }
  const liked = accept.split(',').map(part => {
    const [type = '', ...more] = part.split(';').map(one => one.trim().toLowerCase())
    return { type, q: Number(more.find(one => one.startsWith('q='))?.slice(2) ?? 1) }
  }).filter(({ q }) => q > 0).sort((a, b) => b.q - a.q)
  for (const { type } of liked) {
    const format = type === '*/*' || type === 'application/*' ? 'json' : type === 'text/*' ? 'csv' : names.find(name => formats[name].split(';')[0] === type)
    if (format !== undefined) return format
  }
  throw new Problem(406, { title: 'There is no such format', detail: `There are ${Object.values(formats).join(', ')}` })
}

export const safeHeaders = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } as const

interface Body { readonly status: number, readonly type: string, readonly body: string, readonly headers?: Readonly<Record<string, string>> }

export function respond (response: ServerResponse, { status, type, body, headers = {} }: Body): void {
  response.writeHead(status, { ...safeHeaders, 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers }).end(body)
}
