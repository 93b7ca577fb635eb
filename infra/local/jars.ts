import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { StackProblem } from './problem.ts'

const run = promisify(execFile)
const mavenTimeoutMs = 600_000

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace', 'jars')
const pomOf = (name: string) => new URL(`./${name}.pom.xml`, import.meta.url)

export interface JarsOptions { /** Absent: the one beside this file. */ readonly pom?: URL, /** Of what the POM leaves open as `<name>.version`; absent: its default. */ readonly version?: string }

/**
 * The folder with the jars that a POM names, fetched from Maven Central once and kept in the user's cache.
 *
 * Delivery: a folder appears whole or not at all, so that two stacks may start at once
 * Errors:   StackProblem when Maven is missing or Maven Central does not answer
 */
export async function jars (name: string, { pom = pomOf(name), version }: JarsOptions = {}): Promise<string> {
  const folder = await folderOf(name, { pom, ...version !== undefined && { version } })
  if (existsSync(folder)) return folder
  const partial = join(cache, `.${name}-${randomUUID()}`)
  await mkdir(partial, { recursive: true })
  try {
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-f', pom.pathname, ...version === undefined ? [] : [`-D${name}.version=${version}`], '-DincludeScope=runtime', `-DoutputDirectory=${partial}`], { timeout: mavenTimeoutMs })
    if ((await readdir(partial)).length === 0) throw new StackProblem(`Cannot fetch jars: Maven copied none for ${name}`)
    await rename(partial, folder).catch(error => { if (!existsSync(folder)) throw error })
    return folder
  } catch (cause) {
    throw mavenProblem(name, cause)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** Whether it is in the cache or not. */
async function folderOf (name: string, { pom = pomOf(name), version: asked }: JarsOptions = {}): Promise<string> {
  const text = await readFile(pom, 'utf8')
  const version = asked ?? versionIn(name, text)
  return join(cache, `${name}-${version}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`)
}

function versionIn (name: string, pom: string): string {
  const [, version = ''] = new RegExp(`<${name}\\.version>([^<]+)<`).exec(pom) ?? /<dependency>.*?<version>([^<]+)<\/version>/s.exec(pom) ?? []
  return version
}

/** Of Kafka, that the stack starts: one asked for, or that of MILLRACE_KAFKA_VERSION, or the default. Errors: StackProblem for what is no version */
export function kafkaVersion (asked = process.env.MILLRACE_KAFKA_VERSION): string {
  if (asked === undefined || asked === '') return versionIn('kafka', readFileSync(pomOf('kafka'), 'utf8'))
  if (!/^\d+\.\d+\.\d+$/.test(asked)) throw new StackProblem(`Cannot start Kafka ${asked}: a version is three numbers, such as 4.2.0`)
  return asked
}

function mavenProblem (name: string, cause: unknown): unknown {
  if (cause instanceof StackProblem) return cause
  const { code, stdout = '', stderr = '' } = cause as { readonly code?: string | number, readonly stdout?: string, readonly stderr?: string }
  if (code === 'ENOENT') return new StackProblem(missing.maven, { cause })
  const said = `${stdout}${stderr}`.split('\n').filter(line => line.includes('ERROR')).slice(0, 3).join('\n')
  return new StackProblem(`Cannot fetch the jars of ${name} with Maven:\n${said || String(cause)}`, { cause })
}

const missing = {
  java: 'Cannot find Java: the local stack needs a Java 17 runtime (package openjdk-17-jre-headless or a JDK) as `java` on the PATH, or JAVA_HOME',
  maven: 'Cannot find Maven: the local stack fetches Kafka and Cassandra from Maven Central with `mvn` (package maven)',
}

/** The `java` to use. */
export function java (): string {
  const home = process.env.JAVA_HOME
  return home !== undefined && existsSync(join(home, 'bin', 'java')) ? join(home, 'bin', 'java') : 'java'
}

/**
 * What this machine lacks for the parts asked for, in words; null when nothing. Maven is needed only until the jars are cached.
 */
export async function lacking ({ cassandra, kafkaVersion: asked }: { readonly cassandra: boolean, readonly kafkaVersion?: string }): Promise<string | null> {
  if (process.platform === 'win32') return 'Cannot start the local stack on Windows: use infra/compose.yaml, or WSL'
  let said: string
  try {
    const { stdout, stderr } = await run(java(), ['-version'])
    said = `${stdout}${stderr}`
  } catch {
    return missing.java
  }
  const major = Number(/version "(\d+)/.exec(said)?.[1] ?? 0)
  if (major < 17) return `Cannot run Kafka 4 on Java ${major}: it needs Java 17 or later`
  const folders = await Promise.all([folderOf('kafka', { version: kafkaVersion(asked) }), ...cassandra ? [folderOf('cassandra')] : []])
  if (!folders.every(folder => existsSync(folder)) && !await hasMaven()) return missing.maven
  if (cassandra && major !== 17) return `Cannot run Cassandra 5 on Java ${major}: it needs Java 17; set JAVA_HOME, or leave it out with --no-cassandra`
  return null
}

async function hasMaven (): Promise<boolean> {
  try {
    await run('mvn', ['-v'])
    return true
  } catch {
    return false
  }
}
