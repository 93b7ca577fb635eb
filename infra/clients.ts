import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const installTimeoutMs = 900_000
const outputBytesMax = 64 << 20
/** What compiling leaves behind and nothing uses afterwards: half a gigabyte. */
const leftovers: Readonly<Record<string, readonly string[]>> = { 'node-rdkafka': ['deps', 'build/Release/obj.target', 'build/Release/.deps', 'build/Release/obj'] }

/** A client of Kafka that is installed aside from node_modules. */
export interface ClientPackage { readonly name: string, readonly version: string }

/**
 * The folder in whose node_modules a package is, with what it needs: installed once, in the user's cache, for this version of Node. Packages that
 * compile do so then (node-rdkafka: two minutes, a C++ compiler, make and Python).
 *
 * Delivery: a folder appears whole or not at all
 * Errors:   what npm says
 */
export async function cachedClient ({ name, version }: ClientPackage): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace', 'clients')
  const folder = join(cache, `${name.replace('/', '+')}-${version}-node-${process.versions.modules}-${process.platform}-${process.arch}`)
  if (existsSync(folder)) return folder
  const partial = join(cache, `.${randomUUID()}`)
  await mkdir(partial, { recursive: true })
  try {
    await writeFile(join(partial, 'package.json'), JSON.stringify({ private: true, allowScripts: { [name]: true } }))
    const headers = await nodeHeaders()
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts=false', '--save-exact', `${name}@${version}`], { cwd: partial, timeout: installTimeoutMs, maxBuffer: outputBytesMax, env: { ...process.env, ...headers !== null && { npm_config_nodedir: headers } } })
    for (const left of leftovers[name] ?? []) await rm(join(partial, 'node_modules', name, left), { recursive: true, force: true })
    await rename(partial, folder).catch(error => { if (!existsSync(folder)) throw error })
    return folder
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { readonly stdout?: string, readonly stderr?: string }
    throw new Error(`Cannot install ${name} ${version}:\n${`${stdout}${stderr}`.trimEnd().split('\n').slice(-20).join('\n')}`, { cause })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** Node's own headers where they came with it; else they are for node-gyp to find. Those of another version would compile, and crash. */
async function nodeHeaders (): Promise<string | null> {
  const bin = dirname(process.execPath)
  for (const root of [dirname(bin), ...globSync(join(dirname(bin), 'node_modules', 'node-*')), ...globSync(join(dirname(dirname(bin)), 'node-*'))]) {
    const file = join(root, 'include', 'node', 'node_version.h')
    if (!existsSync(file)) continue
    const text = await readFile(file, 'utf8')
    const version = ['MAJOR', 'MINOR', 'PATCH'].map(part => new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1]).join('.')
    if (version === process.versions.node) return root
  }
  return null
}
