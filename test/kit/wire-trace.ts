import { appendFileSync } from 'node:fs'
import type { Api } from '../../connectors/kafka/api.ts'
import { codeName } from '../../connectors/kafka/codes.ts'
import type { Address } from '../../connectors/kafka/connection.ts'
import { Connections, type Lane } from '../../connectors/kafka/connections.ts'

const watched = ['Produce', 'TxnOffsetCommit', 'EndTxn', 'InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn']

/**
 * Write down what this process asks brokers about transactions, and what they answer: a line as a request goes out, and one as its fate is known. The
 * connections are the real ones.
 */
export function traceWire (file: string): void {
  const real = Connections.prototype.call as unknown as Ask
  let asks = 0
  const traced: Ask = async function (address, lane, asked, request) {
    const passing = real.call(this, address, lane, asked, request)
    if (!watched.includes(asked.name)) return passing
    asks += 1
    const number = asks
    const say = (what: string) => { appendFileSync(file, `${new Date().toISOString()} #${number} ${address.port} ${asked.name} ${what}\n`) }
    say(shownRequest(request))
    try {
      const answer = await passing
      say(`answered ${shownAnswer(answer)}`)
      return answer
    } catch (error) {
      say(`failed ${(error as { readonly indefinite?: boolean }).indefinite === true ? 'after it was sent' : 'unsent'}: ${(error as Error).message}`)
      throw error
    }
  }
  Connections.prototype.call = traced as unknown as typeof Connections.prototype.call
}

type Ask = (this: Connections, address: Address, lane: Lane, asked: Api<never, unknown>, request: unknown) => Promise<unknown>

/** Batches as who wrote them and their numbers; everything else as it is. */
function shownRequest (request: unknown): string {
  return JSON.stringify(request, (name, value) => {
    if (typeof value === 'bigint') return Number(value)
    if (name !== 'records') return name === 'committedMetadata' ? undefined : value
    const bytes = value as Uint8Array
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    return `producer ${view.getBigInt64(43)} epoch ${view.getInt16(51)} numbers ${view.getInt32(53)}+${view.getInt32(57)}`
  })
}

function shownAnswer (answer: unknown): string {
  return JSON.stringify(answer, (name, value) => {
    if (typeof value === 'bigint') return Number(value)
    return /^(errorCode|partitionErrorCode)$/.test(name) ? codeName(value as number) : /^(throttleTimeMs|logAppendTimeMs|logStartOffset|recordErrors|errorMessage)$/.test(name) ? undefined : value
  })
}
