import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from './cli.ts'

/** The code of a page of docs/ in one language, block by block. */
export function blocksOf (page: string, language: string): readonly string[] {
  return [...readFileSync(join(repository, 'docs', page), 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code]) => code!)
}

/** Statements of SQL or CQL, without their comments. */
export const statementsOf = (code: string): readonly string[] => code.replace(/^--.*$/gm, '').split(/;\s*(?:\n|$)/).map(text => text.trim()).filter(text => text !== '')

export interface Said { readonly status: number | null, readonly stdout: string, readonly stderr: string }

/** A folder that looks like a checkout to the commands of a page: `npm run millrace --` and `node` are this checkout's. Deleted by `close`. */
export class PageFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'millrace-page-'))
  readonly #environment: Readonly<Record<string, string | undefined>>

  constructor (environment: Readonly<Record<string, string>> = {}) {
    const bin = join(this.path, 'bin')
    mkdirSync(bin)
    for (const name of ['examples', 'package.json', 'node_modules']) symlinkSync(join(repository, name), join(this.path, name))
    symlinkSync(process.execPath, join(bin, 'node'))
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\n[ "$1 $2 $3" = "run millrace --" ] || exit 64\nshift 3\nexec node ${JSON.stringify(join(repository, 'pipelines/cli/launch.js'))} "$@"\n`)
    chmodSync(join(bin, 'npm'), 0o755)
    const kept = Object.entries(process.env).filter(([name]) => !/^(NO_COLOR|FORCE_COLOR|NODE_TEST_CONTEXT)$|^(MILLRACE|KAFKA|SCHEMA_REGISTRY|CASSANDRA)_/.test(name))
    this.#environment = { ...Object.fromEntries(kept), ...environment, PATH: `${bin}:${process.env.PATH}` }
  }

  /** As a shell runs it. */
  run (line: string): Promise<Said> {
    const child = spawn('sh', ['-c', line], { cwd: this.path, env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
    return new Promise((resolve, reject) => { child.on('error', reject).on('close', status => { resolve({ status, stdout, stderr }) }) })
  }

  /** A command that serves until it is stopped; `url` of what it says on stderr. */
  serve (line: string): Promise<{ readonly url: string, stop (): Promise<void> }> {
    const child = spawn('sh', ['-c', `exec ${line}`], { cwd: this.path, env: this.#environment, stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = new Promise<void>(resolve => { child.on('close', () => { resolve() }) })
    let stderr = ''
    return new Promise((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
        const url = /https?:\/\/[\w.:[\]]+/.exec(stderr)?.[0]
        if (url !== undefined) resolve({ url, stop: async () => { child.kill('SIGINT'); await ended } })
      })
      void ended.then(() => { reject(new Error(`it ended: ${stderr}`)) })
    })
  }

  close (): void { rmSync(this.path, { recursive: true, force: true }) }
}
