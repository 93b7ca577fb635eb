import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'

export const repository = resolve(import.meta.dirname, '../..')
const launcher = join(repository, 'pipelines/cli/launch.js')

export interface RunOptions {
  readonly cwd?: string
  readonly input?: string
  /** Beside those of this process; colours, folders, clusters and registries of its own are left out. */
  readonly env?: Readonly<Record<string, string>>
  /** Another Node or launcher. */
  readonly program?: readonly [string, ...string[]]
}
export interface Ran { readonly status: number | null, readonly signal: NodeJS.Signals | null, readonly stdout: string, readonly stderr: string }

/** `millrace` as a child process, as a shell starts it. */
export class Command {
  readonly process: ChildProcess
  readonly done: Promise<Ran>
  stdout = ''
  stderr = ''
  readonly #watchers: (() => void)[] = []

  constructor (args: readonly string[], { cwd = repository, input = '', env = {}, program: [program, ...first] = [process.execPath, launcher] }: RunOptions = {}) {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NO_COLOR|FORCE_COLOR|NODE_TEST_CONTEXT)$|^(MILLRACE|KAFKA|SCHEMA_REGISTRY|CASSANDRA)_/.test(name)))
    this.process = spawn(program, [...first, ...args], { cwd, env: { ...inherited, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.process.stdin!.on('error', () => {}).end(input)
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => { this.stdout += text; this.#wake() })
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => { this.stderr += text; this.#wake() })
    this.done = new Promise(settle => {
      this.process.on('close', (status, signal) => { settle({ status, signal, stdout: this.stdout, stderr: this.stderr }); this.#wake() })
    })
  }

  /** Until stderr matches. Fails with what was said when the command ends first, or after `withinMs`. */
  async said (pattern: RegExp, withinMs = 20_000): Promise<void> {
    const until = performance.now() + withinMs
    while (!pattern.test(this.stderr)) {
      if (this.process.exitCode !== null || performance.now() > until) throw new Error(`expected ${pattern} on stderr, there is:\n${this.stderr}`)
      await new Promise<void>(wake => { this.#watchers.push(wake); setTimeout(wake, 200) })
    }
  }

  /** As Ctrl-C does. */
  async interrupt (): Promise<Ran> {
    this.process.kill('SIGINT')
    return this.done
  }

  #wake (): void { for (const wake of this.#watchers.splice(0)) wake() }
}

export const millrace = (args: readonly string[], options: RunOptions = {}): Promise<Ran> => new Command(args, options).done
