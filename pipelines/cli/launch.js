#!/usr/bin/env node
// The only file that must run on any Node. In the repository it starts the sources, in the published package what was built from them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Outside npm's scripts an older Node may be first on the path; the one that came as a package takes over then.
const brought = fileURLToPath(new URL(`../../node_modules/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`, import.meta.url))
if (Number(process.versions.node.split('.')[0]) < 24 && existsSync(brought)) {
  const { status, signal } = spawnSync(brought, process.argv.slice(1), { stdio: 'inherit' })
  process.exit(status ?? (signal === 'SIGINT' ? 130 : 143))
}
module.createRequire(import.meta.url)('./need-node.cjs')
// Compiled code is kept from run to run: a second `check` takes half the time. Threads go by the variable: a worker's start is a third of a second shorter.
const directory = module.enableCompileCache?.().directory
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory
const entry = existsSync(new URL('./main.ts', import.meta.url)) && !import.meta.url.includes('/node_modules/') ? './main.ts' : './main.js'
await import(new URL(entry, import.meta.url).href)
