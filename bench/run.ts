import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { execFileSync } from 'node:child_process'
import type { Figure } from './kit.ts'

/**
 * `npm run bench [name...]`: every bench file in a process of its own; figures go to bench/results/<date>-<commit>.json. `npm run bench:kafka`, `bench:cassandra` and `bench:outage` run
 * those beside the real service (`--kafka`, `--cassandra`, `--outage`), and theirs go to <date>-<commit>-kafka.json and so on.
 */
const folder = new URL('.', import.meta.url).pathname
const services = ['kafka', 'cassandra', 'outage'] as const
const service = services.find(name => process.argv.includes(`--${name}`)) ?? null
const wanted = process.argv.slice(2).filter(argument => argument !== `--${service}`)
const files = readdirSync(folder).filter(file => file.endsWith('.ts') && !['kit.ts', 'readings.ts', 'run.ts'].includes(file))
  .filter(file => wanted.length === 0 ? serviceOf(file) === service : wanted.some(name => file.startsWith(name)))

function serviceOf (file: string): typeof service { return file === 'outage.ts' ? 'outage' : file.startsWith('kafka-') ? 'kafka' : /^(cassandra-|lake-read)/.test(file) ? 'cassandra' : null }

const figures: Figure[] = []
/** What else the machine was doing, before and during. */
const loads = [loadavg()[0]!]
for (const file of files) {
  console.log(`\n${file}`)
  figures.push(...await runFile(file))
  loads.push(loadavg()[0]!)
}
const goals = figures.filter(({ goal, met }) => goal !== undefined && met !== undefined)
const missed = goals.filter(({ met }) => !met)
console.log(`\n${goals.length - missed.length} of ${goals.length} goals met${missed.map(({ id, what, goal }) => `\n  not met: ${id}, ${what}, ${goal}`).join('')}`)
const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
if (wanted.length === 0) {
  const commit = git('rev-parse', '--short', 'HEAD')
  mkdirSync(`${folder}results`, { recursive: true })
  const name = `${new Date().toISOString().slice(0, 10)}-${commit}${service === null ? '' : `-${service}`}.json`
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, loadBefore: loads[0], loadMost: Math.max(...loads) }
  writeFileSync(`${folder}results/${name}`, `${JSON.stringify({ commit, ...service !== null && { kind: service }, at: new Date().toISOString(), machine, figures }, null, 2)}\n`)
  console.log('now `npm run docs` prints docs/performance.md from it')
  console.log(`\nwritten to bench/results/${name}`)
}

function runFile (file: string): Promise<readonly Figure[]> {
  const child = spawn(process.execPath, ['--expose-gc', '--disable-warning=TimeoutNegativeWarning', `${folder}${file}`], { env: { ...process.env, MILLRACE_BENCH_JSON: '1' }, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    process.stdout.write(chunk.replace(/^FIGURE .*\n/gm, ''))
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', code => {
      if (code !== 0) process.exitCode = 1
      resolve(text.split('\n').filter(line => line.startsWith('FIGURE ')).map(line => JSON.parse(line.slice(7)) as Figure))
    })
  })
}
