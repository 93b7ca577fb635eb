import { readFileSync } from 'node:fs'
import type { Monitor } from '../../connectors/prometheus/server.ts'
import type { Engine } from './engine.ts'
import type { LakeReaderPort } from '../core/lake-ports.ts'
import { CliError } from './exit.ts'
import { figuresOf, type LegView } from './figures.ts'
import { unready } from './readiness.ts'

export interface Address { readonly host: string, readonly port: number }

/** The argument of --http: a port of this machine alone, or an address and a port. */
export function httpOption (text: string): Address {
  const [, bracketed, plain, port] = /^(?:(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) throw new CliError('usage', `--http takes a port or host:port, not ${JSON.stringify(text)}`)
  return { host: bracketed ?? plain ?? '127.0.0.1', port: Number(port) }
}

/** What a process runs, as monitoring sees it. */
export function legViews ({ pipeline: { name }, race, pond }: Pick<Engine, 'pipeline' | 'race' | 'pond'>): readonly LegView[] {
  return [
    ...race === null ? [] : [{ pipeline: name, leg: 'race' as const, status: race.status, committed: race.committed }],
    ...pond === null ? [] : [{ pipeline: name, leg: 'pond' as const, status: pond.status, committed: pond.committed, stored: pond.status.stored, lake: pond.lakeFigures }],
  ]
}

interface Watched { readonly legs: () => readonly LegView[], readonly member: () => string | null, /** Null: there is none to ask now. */ readonly lake: () => LakeReaderPort | null, readonly onError: (error: unknown) => void }

/** Serve metrics and health of a process, and its lake to whoever may ask. All are asked at every request. Errors: MONITOR_ADDRESS, CliError */
export async function startMonitor (address: Address, { legs, member, lake, onError }: Watched): Promise<Monitor> {
  const [{ exposition, serveMonitor }, { lakeHandler }, { isLoopback }, { tokenOf }] = await Promise.all([import('../../connectors/prometheus/public.ts'), import('./lake/http/handler.ts'), import('./lake/http/guard.ts'), import('./lake/token.ts')])
  const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('millrace/package.json')), 'utf8')) as { readonly version: string }
  const wallMs = () => Date.now()
  const figures = figuresOf(legs, { worker: () => ({ version, member: member() }), wallMs })
  const also = lakeHandler({ reader: lake, version, guard: { token: tokenOf(undefined), isOpen: !isLoopback(address.host) }, onError })
  return serveMonitor({ ...address, metrics: exposition(figures), unready: () => unready(legs(), wallMs()), also })
}
