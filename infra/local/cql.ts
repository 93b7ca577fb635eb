import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { host } from './ports.ts'

export interface CqlOptions { readonly port: number, readonly tls: { readonly ca: string, readonly cert?: string, readonly key?: string } | null, readonly user: { readonly name: string, readonly password: string } | null }

const opcode = { startup: 0x01, ready: 0x02, authenticate: 0x03, authResponse: 0x0f, authSuccess: 0x10 } as const
const headerBytes = 9
const answerMsMax = 2_000

/**
 * Whether a Cassandra takes a connection, and the user's password where it asks for one.
 *
 * Source: CQL binary protocol v4, sections 2 and 4.1
 */
export function cqlAnswers ({ port, tls, user }: CqlOptions): Promise<boolean> {
  return new Promise(resolve => {
    const socket = tls === null ? connect({ host, port }) : connectTls({ host, port, ...tls })
    const end = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => { end(false) }, answerMsMax)
    let received = Buffer.alloc(0)
    socket.on('error', () => { end(false) })
    socket.on('close', () => { end(false) })
    socket.once(tls === null ? 'connect' : 'secureConnect', () => { socket.write(frame(opcode.startup, Buffer.concat([Buffer.from([0, 1]), text('CQL_VERSION'), text('3.0.0')]))) })
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      if (received.length < headerBytes || received.length < headerBytes + received.readInt32BE(5)) return
      const answer = received[4]!
      received = Buffer.alloc(0)
      if (answer === opcode.authenticate && user !== null) {
        const token = Buffer.from(`\0${user.name}\0${user.password}`)
        const length = Buffer.alloc(4)
        length.writeInt32BE(token.length)
        socket.write(frame(opcode.authResponse, Buffer.concat([length, token])))
      } else {
        end(answer === opcode.ready || answer === opcode.authSuccess)
      }
    })
  })
}

function frame (operation: number, body: Uint8Array): Buffer {
  const header = Buffer.from([0x04, 0, 0, 0, operation, 0, 0, 0, 0])
  header.writeInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}

const text = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
