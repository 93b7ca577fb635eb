import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { Exposition } from './figures.ts'

export interface MonitorOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly metrics: Exposition
  /** Why it is not ready, a line each; none: it is. */
  readonly unready: () => readonly string[]
  /** Answers paths of its own, under rules of its own. */
  readonly also?: { serves (path: string): boolean, answer (request: IncomingMessage, response: ServerResponse): Promise<void> }
}
export interface Monitor { readonly url: string, close (): Promise<void> }

const connectionsMax = 64
const requestMsMax = 10_000
const headerBytesMax = 8 << 10

/**
 * What monitoring asks a process: `/metrics`, `/healthz` (it lives: its event loop turns), `/readyz` (503 and the reasons, or 200).
 *
 * Limits: 64 connections, 8 KiB of headers, 10 s for a request; no body is read. There is no authentication: bind it where only monitoring comes
 * Errors: MONITOR_ADDRESS
 */
export async function serveMonitor (options: MonitorOptions): Promise<Monitor> {
  const { host, port } = options
  const server = createServer({ maxHeaderSize: headerBytesMax, requestTimeout: requestMsMax, headersTimeout: requestMsMax }, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!
    if (options.also?.serves(path)) void options.also.answer(request, response)
    else void answer(options, { method: request.method ?? '', path }, response)
  })
  server.maxConnections = connectionsMax
  await new Promise<void>((listening, failed) => {
    server.once('error', cause => { failed(new StreamError('MONITOR_ADDRESS', { host, port, why: (cause as NodeJS.ErrnoException).code ?? cause.message }, { cause })) })
    server.listen({ host, port }, listening)
  })
  // Monitoring keeps no process alive.
  server.unref()
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () => new Promise(closed => {
      server.close(() => { closed() })
      server.closeAllConnections()
    }),
  }
}

async function answer ({ metrics, unready }: MonitorOptions, { method, path }: { readonly method: string, readonly path: string }, response: ServerResponse): Promise<void> {
  const send = (status: number, text: string, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', ...status === 405 && { allow: 'GET, HEAD' } }).end(text)
  }
  try {
    if (method !== 'GET' && method !== 'HEAD') send(405, 'only GET and HEAD\n')
    else if (path === '/metrics') send(200, await metrics.text(), metrics.contentType)
    else if (path === '/healthz') send(200, 'alive\n')
    else if (path === '/readyz') {
      const reasons = unready()
      send(reasons.length === 0 ? 200 : 503, reasons.length === 0 ? 'ready\n' : reasons.map(reason => `${reason}\n`).join(''))
    } else send(404, 'there are /metrics, /healthz and /readyz\n')
  } catch {
    // A bug of ours is not shown to whoever asks.
    if (response.headersSent) response.destroy()
    else send(500, 'internal error\n')
  }
}
