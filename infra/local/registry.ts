import { readFile } from 'node:fs/promises'
import { type EmbeddedLog, machineClock, openEmbeddedLog } from '../../connectors/embedded/public.ts'
import { logStore, type RegistryServer, SchemaCatalogue, serveRegistry } from '../../connectors/registry/public.ts'
import { host } from './ports.ts'
import type { Secure } from './secure.ts'

export interface RegistryOptions { readonly folder: string, readonly port: number, readonly secure: Secure | null }

/** Our own registry over HTTP in this process, its schemas in an embedded log. */
export class RegistryService {
  readonly name = 'registry'
  readonly url: string
  readonly #options: RegistryOptions
  #running: { readonly log: EmbeddedLog, readonly server: RegistryServer } | null = null

  constructor (options: RegistryOptions) {
    this.#options = options
    this.url = `${options.secure === null ? 'http' : 'https'}://${host}:${options.port}`
  }

  /** Errors: LOG_LOCKED when another stack holds the folder */
  async start (): Promise<void> {
    const { folder, port, secure } = this.#options
    const log = await openEmbeddedLog({ folder, clock: machineClock })
    try {
      const tls = secure === null ? null : { key: await readFile(secure.certificates.server.keyFile, 'utf8'), cert: await readFile(secure.certificates.server.certFile, 'utf8') }
      const catalogue = await SchemaCatalogue.open(logStore({ log, clock: machineClock }))
      this.#running = { log, server: await serveRegistry({ catalogue, host, port, tls, users: secure === null ? null : [secure.users.admin, secure.users.millrace] }) }
    } catch (error) {
      await log.close()
      throw error
    }
  }

  async stop (): Promise<void> {
    const running = this.#running
    this.#running = null
    await running?.server.close()
    await running?.log.close()
  }

  async restart (): Promise<void> {
    await this.stop()
    await this.start()
  }
}
