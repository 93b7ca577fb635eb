import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { SchemaCatalogue } from './catalogue.ts'
import { Refusal } from './refusal.ts'
import { answer, RawJson } from './routes.ts'

export interface RegistryServerOptions {
  readonly catalogue: SchemaCatalogue
  readonly host?: string
  /** 0: a free one. */
  readonly port?: number
  /** PEM. */
  readonly tls?: { readonly key: string, readonly cert: string, /** Only clients with a certificate of this CA come in. */ readonly clientCa?: string } | null
  /** Who may come in, by basic authentication; null: everybody. */
  readonly users?: readonly { readonly name: string, readonly password: string }[] | null
  readonly bodyBytesMax?: number
  readonly connectionsMax?: number
}
export interface RegistryServer { readonly url: string, readonly port: number, close (): Promise<void> }

const contentType = 'application/vnd.schemaregistry.v1+json'
const accepted = /^application\/(vnd\.schemaregistry(\.v1)?\+json|json|octet-stream)\s*(;|$)/i
const requestMsMax = 30_000

/**
 * Serve a catalogue as a Confluent registry does.
 *
 * Limits: a body of `bodyBytesMax`, `connectionsMax` connections, 30 s for a request
 * Errors: answers carry Confluent's `error_code` and `message`; a store that fails is 50001, anything else of ours 500 without details
 */
export async function serveRegistry (options: RegistryServerOptions): Promise<RegistryServer> {
  const { host = '127.0.0.1', port = 0, tls = null, connectionsMax = 1_000 } = options
  const onRequest = (request: IncomingMessage, response: ServerResponse) => { void handle(request, response, options) }
  const server = tls === null ? createPlain(onRequest) : createSecure({ key: tls.key, cert: tls.cert, ...tls.clientCa !== undefined && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true } }, onRequest)
  server.maxConnections = connectionsMax
  server.requestTimeout = requestMsMax
  await new Promise<void>((listening, failed) => { server.once('error', failed).listen({ host, port }, listening) })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${bound}`, port: bound,
    close: () => new Promise(closed => {
      server.close(() => { closed() })
      server.closeAllConnections()
    }),
  }
}

async function handle (request: IncomingMessage, response: ServerResponse, { catalogue, users = null, bodyBytesMax = 1 << 20 }: RegistryServerOptions): Promise<void> {
  try {
    if (users !== null && !mayEnter(request.headers.authorization, users)) {
      response.setHeader('www-authenticate', 'Basic realm="registry"')
      throw new Refusal(401, 'Unauthorized')
    }
    const url = new URL(request.url ?? '/', 'http://registry')
    const body = await bodyOf(request, bodyBytesMax)
    const result = await answer(catalogue, { method: request.method ?? 'GET', path: pathOf(url.pathname), query: url.searchParams, body })
    send(response, 200, result instanceof RawJson ? result.text : JSON.stringify(result))
  } catch (error) {
    const { code, message, status } = error instanceof Refusal ? error : error instanceof StreamError ? new Refusal(50001, `Error in the backend data store: ${error.message}`) : new Refusal(500, 'Internal Server Error')
    if (response.headersSent) { response.destroy(); return }
    // What is left of a body that was refused is not read.
    if (!request.complete) response.setHeader('connection', 'close')
    send(response, status, JSON.stringify({ error_code: code, message }))
  }
}

function send (response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text), 'x-content-type-options': 'nosniff' }).end(text)
}

function pathOf (pathname: string): readonly string[] {
  try {
    return pathname.split('/').filter((part, index, all) => part !== '' || (index > 0 && index < all.length - 1)).map(decodeURIComponent)
  } catch (cause) {
    throw new Refusal(400, 'HTTP 400 Bad Request: the path is not URL-encoded', { cause })
  }
}

async function bodyOf (request: IncomingMessage, bytesMax: number): Promise<unknown> {
  if (request.method !== 'POST' && request.method !== 'PUT') return null
  const { 'content-type': type = contentType, 'content-length': length = '0' } = request.headers
  if (!accepted.test(type)) throw new Refusal(415, 'HTTP 415 Unsupported Media Type')
  if (Number(length) > bytesMax) throw new Refusal(413, `HTTP 413 Request Entity Too Large: bytesMax=${bytesMax}`)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > bytesMax) throw new Refusal(413, `HTTP 413 Request Entity Too Large: bytesMax=${bytesMax}`)
    chunks.push(chunk as Buffer)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch (cause) {
    throw new Refusal(400, 'HTTP 400 Bad Request: the body is not JSON', { cause })
  }
}

function mayEnter (header: string | undefined, users: readonly { readonly name: string, readonly password: string }[]): boolean {
  const [, given = ''] = /^Basic\s+(\S+)$/i.exec(header ?? '') ?? []
  const hash = (text: string) => createHash('sha256').update(text).digest()
  const found = hash(Buffer.from(given, 'base64').toString('utf8'))
  // Every user is compared, in time that does not tell which.
  return users.filter(({ name, password }) => timingSafeEqual(found, hash(`${name}:${password}`))).length > 0
}
