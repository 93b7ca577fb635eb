import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Connections, type Wire } from '../../connectors/kafka/connections.ts'
import type { KafkaSettings } from '../../connectors/kafka/public.ts'

/** A request that the proxy keeps back, and all that follows on its connection. */
export interface Held {
  /** The client sees its connection break; the broker does not. */
  cut (): void
  /** Let the broker have it; resolves when it has answered. */
  release (): Promise<void>
}

/**
 * A TCP proxy in front of a broker, which keeps back requests of one kind.
 *
 * Shape: `wire` sends whatever the connector asks of any broker through the proxy
 */
export class KafkaProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #hold: { readonly key: number, readonly held: (one: Held) => void } | null = null

  private constructor (server: Server) { this.#server = server }

  static async open (host: string, port: number): Promise<KafkaProxy> {
    const server = createServer()
    const proxy = new KafkaProxy(server)
    server.on('connection', client => { proxy.#join(client, connect(port, host)) })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get port (): number { return (this.#server.address() as { readonly port: number }).port }

  wire ({ clientId, connection, rebalanceTimeoutMs, requestTimeoutMs }: KafkaSettings): Wire {
    const connections = new Connections({ clientId, connection, joinTimeoutMs: rebalanceTimeoutMs + requestTimeoutMs })
    return { call: (_, lane, asked, request) => connections.call({ host: '127.0.0.1', port: this.port }, lane, asked, request), close: () => connections.close() }
  }

  /** From now on requests of this kind are kept back, each given to `held`; null: no more of them. */
  hold (key: number, held: ((one: Held) => void) | null): void { this.#hold = held === null ? null : { key, held } }

  async close (): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #join (client: Socket, broker: Socket): void {
    for (const [socket, other] of [[client, broker], [broker, client]] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => { this.#sockets.delete(socket); if (!isHeld) other.destroy() })
    }
    let isHeld = false
    broker.on('data', bytes => { client.write(bytes) })
    let waiting = Buffer.alloc(0)
    client.on('data', bytes => {
      waiting = Buffer.concat([waiting, bytes])
      while (!isHeld && waiting.length >= 6 && waiting.length >= 4 + waiting.readInt32BE(0)) {
        const frame = waiting.subarray(0, 4 + waiting.readInt32BE(0))
        waiting = waiting.subarray(frame.length)
        if (this.#hold?.key !== frame.readInt16BE(4)) { broker.write(frame); continue }
        isHeld = true
        this.#hold.held({
          cut: () => { client.destroy() },
          release: async () => {
            isHeld = client.destroyed
            broker.write(Buffer.concat([frame, waiting]))
            waiting = Buffer.alloc(0)
            await once(broker, 'data')
          },
        })
      }
    })
  }
}
