import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** As `millrace` has it for itself and its threads. */
const compiled = join(tmpdir(), 'node-compile-cache')

/** A worker as a process of its own, which says lines, and which a test may kill, halt and let go on. It ends with the test's process. */
export class WorkerProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly beganMs = performance.now()
  /** Resolves, never rejects, with how it ended. */
  readonly ended: Promise<{ readonly code: number | null, readonly signal: NodeJS.Signals | null, readonly atMs: number }>
  readonly lines: { readonly line: string, readonly atMs: number }[] = []
  complaint = ''
  #over = false
  #wake: (() => void)[] = []

  constructor (program: URL, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.name = args.slice(1).join(' ')
    this.child = spawn(process.execPath, [program.pathname, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { NODE_COMPILE_CACHE: compiled, ...process.env, ...env } })
    this.child.stdin!.on('error', () => {})
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => { this.complaint = `${this.complaint}${text}`.slice(-8_000) })
    let rest = ''
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop()!
      for (const line of lines) this.lines.push({ line, atMs: performance.now() })
      this.#told()
    })
    this.ended = once(this.child, 'exit').then(([code, signal]) => {
      const atMs = performance.now()
      this.#over = true
      this.#told()
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, atMs }
    })
  }

  get isOver (): boolean { return this.#over }

  /** When it said a line that matches, the first after `sinceMs`; null when it ended without. */
  async said (pattern: RegExp, sinceMs = 0): Promise<number | null> {
    for (;;) {
      const found = this.lines.find(({ line, atMs }) => atMs >= sinceMs && pattern.test(line))
      if (found !== undefined) return found.atMs
      if (this.#over) return null
      await new Promise<void>(wake => { this.#wake.push(wake) })
    }
  }

  /** Resolves when it has ended, with the moment. */
  async kill (signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    this.child.kill(signal)
    return (await this.ended).atMs
  }

  #told (): void { for (const wake of this.#wake.splice(0)) wake() }
}

/** Median, 99th percentile and worst of some durations, to be printed. */
export function spread (durationsMs: readonly number[]): string {
  const sorted = [...durationsMs].sort((a, b) => a - b)
  const at = (q: number) => sorted.length === 0 ? '-' : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!.toFixed(0)
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms of ${sorted.length}`
}
