import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Problem } from './problem.ts'

/** `token` null: whoever reaches this machine's own addresses may ask; where others reach it (`isOpen`), nobody. */
export interface Guard { readonly token: string | null, readonly isOpen?: boolean }

/**
 * Whether a request may ask. Without a token it must have been sent to this machine by name: a page in a browser that has had its own name point
 * here is refused.
 *
 * Errors: Problem 401, 403
 */
export function guarded ({ headers }: IncomingMessage, { token, isOpen = false }: Guard): void {
  if (token === null) {
    if (isOpen) throw new Problem(403, { title: 'The lake is not told here', detail: 'At an address that others reach it wants a token: MILLRACE_LAKE_TOKEN in the environment of the pipeline' })
    if (!isLoopback(hostOf(headers.host ?? ''))) throw new Problem(403, { title: 'Not under this name', detail: 'Without a token the lake answers requests to localhost and 127.0.0.1 only' })
    return
  }
  const [, given = ''] = /^Bearer +([^\s]+) *$/i.exec(headers.authorization ?? '') ?? []
  if (!same(given, token)) throw new Problem(401, { title: 'A token is needed', detail: 'Send it as `Authorization: Bearer <token>`' }, { 'www-authenticate': 'Bearer realm="millrace lake"' })
}

/** In the same time wherever they differ, and however long they are. */
function same (a: string, b: string): boolean {
  const [x, y] = [a, b].map(text => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(x, y)
}

const hostOf = (header: string): string => /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(header)?.[1]?.toLowerCase() ?? ''

/** Names and addresses that only this machine reaches. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost') || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || host === '[::1]'
