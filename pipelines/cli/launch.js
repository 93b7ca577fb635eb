#!/usr/bin/env node
// The only file that must run on any Node. In the repository it starts the sources, in the published package what was built from them.
import { createRequire } from 'node:module'

createRequire(import.meta.url)('./need-node.cjs')
const entry = import.meta.url.includes('/node_modules/') ? './main.js' : './main.ts'
await import(new URL(entry, import.meta.url).href)
