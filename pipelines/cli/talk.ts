import { createColors } from 'picocolors'

/** Colours obey NO_COLOR and FORCE_COLOR, and a stream that is not a terminal. Data goes to stdout, talk to stderr. */
const wanted = (stream: NodeJS.WriteStream) => !process.env.NO_COLOR && (Boolean(process.env.FORCE_COLOR) || stream.isTTY === true)
export const paint = createColors(wanted(process.stderr))
export const paintData = createColors(wanted(process.stdout))

export function say (text: string): void { process.stderr.write(`${text}\n`) }

/** Write to stdout and wait while the reader is slower than we are. False once the reader has gone away. */
export async function put (text: string): Promise<boolean> {
  if (process.stdout.destroyed || process.stdout.writableEnded) return false
  if (process.stdout.write(text)) return true
  return new Promise(resolve => {
    const settle = (open: boolean) => () => {
      process.stdout.off('drain', drained).off('close', closed).off('error', closed)
      resolve(open)
    }
    const drained = settle(true)
    const closed = settle(false)
    process.stdout.once('drain', drained).once('close', closed).once('error', closed)
  })
}

/** `1234567` as `1 234 567`. */
export const count = (value: number): string => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ' ')

export const plural = (amount: number, noun: string): string => `${count(amount)} ${noun}${amount === 1 ? '' : 's'}`
