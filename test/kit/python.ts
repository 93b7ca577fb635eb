import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Versions that the cells were written with. */
const wanted = { 'pandas': 'pandas==2.3.3', 'pyarrow': 'pyarrow==21.0.0', 'cassandra-driver': 'cassandra-driver==3.30.1' } as const
export type PythonPackage = keyof typeof wanted
const modules: Readonly<Record<PythonPackage, string>> = { 'pandas': 'pandas', 'pyarrow': 'pyarrow', 'cassandra-driver': 'cassandra' }
const installMsMax = 240_000

export const python3: string | null = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0 ? 'python3' : null

/** A Python that has these packages, or the reason why there is none. One of the machine's, else an environment that stays in the temporary folder for later runs. */
export async function pythonWith (packages: readonly PythonPackage[]): Promise<{ readonly python: string } | { readonly missing: string }> {
  if (python3 === null) return { missing: 'there is no python3 of at least 3.9' }
  const has = (python: string) => spawnSync(python, ['-c', packages.map(name => `import ${modules[name]}`).join('\n')]).status === 0
  if (has(python3)) return { python: python3 }
  const folder = join(tmpdir(), `millrace-python-${process.getuid?.() ?? 0}-${packages.map(name => wanted[name]).join('-').replace(/[^\w.-]+/g, '-')}`)
  const python = join(folder, 'bin', 'python')
  if (has(python)) return { python }
  mkdirSync(folder, { recursive: true })
  for (const [program, ...args] of [[python3, '-m', 'venv', folder], [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', ...packages.map(name => wanted[name])]] as const) {
    const { status, said } = await ran(program, args)
    if (status === 0) continue
    rmSync(folder, { recursive: true, force: true })
    return { missing: `cannot install ${packages.join(', ')}: ${said.trim().split('\n').at(-1)}` }
  }
  return { python }
}

export interface PythonRan { readonly status: number | null, readonly said: string }

export function ran (program: string, args: readonly string[], { cwd, env = {} }: { readonly cwd?: string, readonly env?: Readonly<Record<string, string>> } = {}): Promise<PythonRan> {
  const child = spawn(program, args, { ...cwd !== undefined && { cwd }, env: { ...process.env, ...env }, timeout: installMsMax, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { said += text })
  return new Promise(resolve => { child.on('error', error => { resolve({ status: null, said: error.message }) }).on('close', status => { resolve({ status, said }) }) })
}
