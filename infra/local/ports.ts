import { createServer, type Server } from 'node:net'
import { StackProblem } from './problem.ts'

export const host = '127.0.0.1'
/** Below the range from which outgoing connections take theirs: a client that redials a killed broker could else connect to itself. */
const lowest = 20_000
const highest = 32_000
const triesMax = 500

/** That many different ports of this machine, free at the moment of asking. */
export async function freePorts (count: number): Promise<readonly number[]> {
  const held: { readonly port: number, readonly server: Server }[] = []
  try {
    for (let tries = 0; held.length < count; tries += 1) {
      if (tries > triesMax) throw new StackProblem(`Cannot find free ports: wanted=${count} from=${lowest} to=${highest}`)
      const port = lowest + Math.floor(Math.random() * (highest - lowest))
      const server = await listening(port)
      if (server !== null) held.push({ port, server })
    }
    return held.map(({ port }) => port)
  } finally {
    await Promise.all(held.map(({ server }) => new Promise(closed => server.close(closed))))
  }
}

/** Whether nothing else listens on any of them. */
export async function areFree (ports: readonly number[]): Promise<boolean> {
  const servers = await Promise.all(ports.map(listening))
  await Promise.all(servers.map(server => server && new Promise(closed => server.close(closed))))
  return servers.every(server => server !== null)
}

function listening (port: number): Promise<Server | null> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => { resolve(null) }).listen({ port, host, exclusive: true }, () => { resolve(server) })
  })
}
