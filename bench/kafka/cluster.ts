import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { jars, java } from '../../infra/local/jars.ts'
import { startStack } from '../../infra/local/stack.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'

interface Usage { readonly cpuSeconds: number, readonly peakBytes: number, readonly residentBytes: number }
/** A process under test: what it has used so far, and its end. */
export interface Subject {
  /** Resolves when it says that it reads. */
  readonly ready: Promise<void>
  readonly usage: () => Usage
  readonly stop: () => Promise<void>
}
export interface Cluster {
  readonly servers: string
  readonly folder: string
  readonly brokerPid: number
  /** A log whose topics and groups have a prefix. */
  readonly open: (prefix: string) => Promise<LogPort>
  readonly millrace: (run: { readonly definition: string, readonly prefix: string }) => Subject
  readonly streams: (run: { readonly what: 'windows' | 'alerts', readonly application: string, readonly input: string, readonly output: string, readonly settings: 'default' | 'tuned' }) => Subject
  readonly stop: () => Promise<void>
}

const ticksPerSecond = 100
const heap = '-Xmx2g'
/** As Kafka's own start script has it; with half of it collections of 10 to 35 ms came every second. */
const brokerHeapMiB = 1_024

/** The local stack, and the peers compiled against Kafka Streams of Maven Central. */
export async function startCluster (): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const lib = await jars('streams', { pom: new URL('streams.pom.xml', import.meta.url) })
  execFileSync('javac', ['-cp', `${lib}/*`, '-d', join(folder, 'classes'), new URL('Peer.java', import.meta.url).pathname])
  const stack = await startStack({ cassandra: false, kafkaHeapMiB: brokerHeapMiB })
  const servers = stack.bootstrapServers
  const opened: LogPort[] = []
  return {
    servers, folder, brokerPid: stack.brokers[0]!.pid!,
    async open (prefix) {
      const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': servers, 'topic.prefix': prefix }), clock: machineClock })
      opened.push(log)
      return log
    },
    millrace: ({ definition, prefix }) => subject(process.execPath, [
      ...process.env.MILLRACE_BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.MILLRACE_BENCH_PROFILE}`] : [],
      new URL('worker.ts', import.meta.url).pathname, definition, servers, stack.registry!.url, prefix,
    ]),
    streams: ({ what, application, input, output, settings }) => {
      const state = join(folder, application)
      mkdirSync(state)
      return subject(java(), [heap, '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', `${lib}/*:${join(folder, 'classes')}`, 'Peer', what, servers, application, input, output, settings, state])
    },
    async stop () {
      for (const log of opened) await log.close()
      await stack.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function subject (command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Subject {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } })
  const ended = new Promise<void>(resolve => { child.once('exit', () => { resolve() }) })
  let wantedEnd = false
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('ready')) resolve()
      else if (process.env.MILLRACE_BENCH_TALK) process.stdout.write(text)
    })
    child.once('error', reject).once('exit', code => { if (!wantedEnd) reject(new Error(`${command} ended with ${code}`)) })
  })
  ready.catch(() => {})
  return {
    ready,
    usage: () => usageOf(child.pid!),
    async stop () {
      wantedEnd = true
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** User and system time of all threads of a process since it started, the most memory it held and what it holds now. */
export function usageOf (pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]) * 1024
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, peakBytes: bytes('VmHWM'), residentBytes: bytes('VmRSS') }
}

export const sleep = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms) })
