import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jars, java } from '../../infra/local/jars.ts'

/**
 * Kafka's own judge of exactly-once: a program that writes `data`, and one that reads what became of it in `echo`, `min` and `sum`, record by record,
 * up to the offsets that the group `EosTest` has committed.
 *
 * Source: org.apache.kafka.streams.tests.StreamsEosTest, from the test jar of Kafka Streams 4.1
 */
export class EosJudge {
  readonly #folder: string
  readonly #lib: string
  #generator: ChildProcess | null = null
  #wrote = ''

  private constructor (lib: string, servers: string) {
    this.#lib = lib
    this.#folder = mkdtempSync(join(tmpdir(), 'millrace-eos-judge-'))
    writeFileSync(join(this.#folder, 'eos.properties'), `bootstrap.servers=${servers}\nprocessing.guarantee=exactly_once_v2\ngroup.protocol=classic\n`)
  }

  static async on (servers: string): Promise<EosJudge> {
    return new EosJudge(await jars('eos-judge', { pom: new URL('./eos-judge.pom.xml', import.meta.url) }), servers)
  }

  /** Some two hundred records a second, until `rest`. */
  write (): void {
    this.#generator = this.#java('run')
    this.#generator.stdout!.on('data', chunk => { this.#wrote = `${this.#wrote}${chunk}`.slice(-4_000) })
  }

  /** No more records. Gives the last that the writer said. */
  async rest (): Promise<string> {
    const generator = this.#generator
    this.#generator = null
    if (generator !== null && generator.exitCode === null) {
      generator.kill('SIGTERM')
      await once(generator, 'exit')
    }
    return this.#wrote
  }

  /** `ALL-RECORDS-DELIVERED` among what it says, or what is wrong. The group must have no members any more, which it waits for. */
  async verdict (): Promise<string> {
    const judging = this.#java('verify')
    let said = ''
    for (const stream of [judging.stdout!, judging.stderr!]) stream.on('data', chunk => { said += String(chunk) })
    await once(judging, 'close')
    return said.split('\n').filter(line => line !== '').slice(-12).join('\n')
  }

  async close (): Promise<void> {
    this.#generator?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #java (verb: 'run' | 'verify'): ChildProcess {
    return spawn(java(), ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', `${this.#lib}/*`, 'org.apache.kafka.streams.tests.StreamsEosTest', join(this.#folder, 'eos.properties'), verb], { stdio: ['ignore', 'pipe', 'pipe'] })
  }
}
