import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { connect, createServer, type SecureContext, type TLSSocket } from 'node:tls'

interface Pair { readonly cert: string, readonly key: string }

/** A server that wants a certificate and says whose it got. Gives what it says to who connects with a context, or what goes wrong on the way. */
export async function tlsCaller (t: TestContext, { server: own, authorities }: { readonly server: Pair, readonly authorities: readonly string[] }): Promise<(context: () => SecureContext) => Promise<string>> {
  const server = createServer({ ...own, ca: [...authorities], requestCert: true, rejectUnauthorized: true }, socket => {
    socket.on('error', () => {})
    socket.end(String((socket as TLSSocket).getPeerCertificate().subject.CN))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.close() })
  const { port } = server.address() as { readonly port: number }
  return async context => {
    try {
      const socket = connect({ host: '127.0.0.1', port, secureContext: context(), rejectUnauthorized: true })
      const [said] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])]) as [Buffer | string]
      socket.destroy()
      return String(said)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }
}
