import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { StackProblem } from './problem.ts'

/**
 * Ends what this process started and deletes its temporary folder when this process is killed before it could: a shell that waits for
 * the end of its standard input. It has a session of its own, so Ctrl-C does not reach it.
 */
export class Watchdog {
  readonly #child: ChildProcess

  constructor (temporary: string | null) {
    const script = `
      pids=' '
      while read -r what pid; do
        case $what in
          + ) pids="$pids$pid " ;;
          - ) pids=$(printf '%s' "$pids" | sed "s/ $pid / /") ;;
          done ) exit 0 ;;
        esac
      done
      for pid in $pids; do kill -CONT "$pid" 2>/dev/null; kill -KILL "$pid" 2>/dev/null; done
      [ -z "$1" ] || { sleep 0.2; rm -rf "$1"; }`
    this.#child = spawn('/bin/sh', ['-c', script, 'millrace-stack-watchdog', temporary ?? ''], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    this.#child.stdin!.on('error', () => {})
    this.#child.unref()
  }

  started (pid: number): void { this.#child.stdin!.write(`+ ${pid}\n`) }
  ended (pid: number): void { this.#child.stdin!.write(`- ${pid}\n`) }

  async done (): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.ref()
    this.#child.stdin!.end('done\n')
    if (this.#child.exitCode === null) await ended
  }
}

export interface ServiceOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly folder: string
  readonly logFile: string
  readonly watchdog: Watchdog
  /** Resolves true once the service answers; asked again and again. */
  readonly answers: () => Promise<boolean>
  readonly startMsMax: number
}

const askEveryMs = 100
const stopMsMax = 15_000

/**
 * A server as a process of ours, which a fault test may kill, halt and start again at the same place and ports.
 *
 * Errors: StackProblem with the end of its log when it does not come up
 */
export class Service {
  readonly name: string
  readonly #options: ServiceOptions
  #child: ChildProcess | null = null

  constructor (options: ServiceOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Null while it does not run. */
  get pid (): number | null { return this.#child?.pid ?? null }

  /** Start the process and wait until it answers. */
  async start (): Promise<void> {
    if (this.#child !== null) throw new StackProblem(`Cannot start ${this.name}: it runs, pid=${this.pid}`)
    const { command, args, folder, logFile, watchdog, answers, startMsMax } = this.#options
    const log = openSync(logFile, 'a')
    const child = spawn(command, args, { cwd: folder, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    let failure: Error | null = null
    child.once('error', error => { failure = error })
    if (child.pid !== undefined) {
      this.#child = child
      watchdog.started(child.pid)
      child.once('exit', () => {
        watchdog.ended(child.pid!)
        if (this.#child === child) this.#child = null
      })
    }
    for (const untilMs = performance.now() + startMsMax; !await answers();) {
      if (failure !== null || this.#child !== child) throw await this.#notUp(failure ?? 'it ended')
      if (performance.now() > untilMs) throw await this.#notUp(`no answer within ${startMsMax / 1000} s`)
      await new Promise(done => setTimeout(done, askEveryMs))
    }
  }

  /** Send a signal; one that ends the process resolves when it has ended. SIGSTOP halts it, SIGCONT lets it go on. */
  async kill (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended
  }

  /** Start it again where it was; one that still runs is asked to stop first. */
  async restart (): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Ask it to stop; one that does not is killed. */
  async stop (): Promise<void> {
    const child = this.#child
    if (child === null) return
    const force = setTimeout(() => { child.kill('SIGKILL') }, stopMsMax)
    child.kill('SIGCONT')
    await this.kill('SIGTERM')
    clearTimeout(force)
  }

  async #notUp (why: string | Error): Promise<StackProblem> {
    await this.kill()
    const { logFile } = this.#options
    const log = await readFile(logFile, 'utf8').catch(() => '')
    return new StackProblem(`Cannot start ${this.name}: ${why instanceof Error ? why.message : why}\n${log.split('\n').slice(-25).join('\n')}\nlog: ${logFile}`)
  }
}
