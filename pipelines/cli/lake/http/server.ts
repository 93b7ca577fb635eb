import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { StreamError } from '../../../core/errors.ts'
import { type LakeHandler, respond } from './handler.ts'
import { Problem } from './problem.ts'

const connectionsMax = 64
const headerBytesMax = 8 << 10
const headersMsMax = 10_000
const idleMsMax = 30_000

export interface LakeServer { readonly url: string, close (): Promise<void> }

/**
 * Serve a lake over HTTP.
 *
 * Limits: 64 connections, 8 KiB of URL and headers, 10 s until they are there, 30 s from one request to the next; no body is read
 * Errors: MONITOR_ADDRESS
 */
export async function serveLake (handler: LakeHandler, { host, port }: { readonly host: string, readonly port: number }): Promise<LakeServer> {
  const server = createServer({ maxHeaderSize: headerBytesMax, requestTimeout: headersMsMax, headersTimeout: headersMsMax }, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (path === '/') respond(response, { status: 307, type: 'text/plain; charset=utf-8', body: 'see /docs\n', headers: { location: '/docs' } })
    else void handler.answer(request, response)
  })
  server.maxConnections = connectionsMax
  server.keepAliveTimeout = idleMsMax
  server.on('clientError', refuse)
  await new Promise<void>((listening, failed) => {
    server.once('error', cause => { failed(new StreamError('MONITOR_ADDRESS', { host, port, why: (cause as NodeJS.ErrnoException).code ?? cause.message }, { cause })) })
    server.listen({ host, port }, listening)
  })
  const { port: bound } = server.address() as AddressInfo
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, close: () => closed(server) }
}

/** What was no request at all. */
function refuse (error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) { socket.destroy(); return }
  const problem = error.code === 'HPE_HEADER_OVERFLOW' ? new Problem(431, { title: 'URL and headers are too large', detail: `At most ${headerBytesMax} bytes` })
    : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? new Problem(408, { title: 'The request took too long', detail: `At most ${headersMsMax} ms` }) : new Problem(400, { title: 'This is no HTTP request', detail: 'Its first line or its headers cannot be read' })
  socket.end(`HTTP/1.1 ${problem.status} ${problem.facts.title}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(problem.body)}\r\nconnection: close\r\n\r\n${problem.body}`)
}

function closed (server: Server): Promise<void> {
  return new Promise(done => {
    server.close(() => { done() })
    server.closeAllConnections()
  })
}
