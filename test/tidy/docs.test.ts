import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const decisions = 'docs/decisions'
const text = (file: string) => readFileSync(file, 'utf8')
const pages = readdirSync(decisions).filter(file => file.endsWith('.md') && file !== 'README.md')

test('tidy: every decision is listed, and every listed decision is there', () => {
  const listed = [...text(join(decisions, 'README.md')).matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, file]) => file!)
  assert.deepEqual(listed.sort(), pages.sort())
})

test('tidy: links between the pages of docs lead somewhere', () => {
  const files = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.md')).map(file => join('docs', file))
  for (const file of [...files, 'README.md', 'CONTRIBUTING.md']) {
    for (const [, link] of text(file).matchAll(/\]\(([^)\s#:]+)(#[^)]*)?\)/g)) assert(existsSync(join(file, '..', link!)), `${file}: ${link}`)
  }
})

interface Locked { readonly packages: Readonly<Record<string, { readonly dev?: boolean, readonly optional?: boolean, readonly peer?: boolean, readonly devOptional?: boolean }>> }

test('tidy: every runtime dependency has its line in docs/decisions/dependencies.md, at an exact version', () => {
  const { dependencies } = JSON.parse(text('package.json')) as { readonly dependencies: Readonly<Record<string, string>> }
  const page = text(join(decisions, 'dependencies.md'))
  for (const [name, version] of Object.entries(dependencies)) {
    assert(page.includes(`\`${name}\``), name)
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} is pinned`)
  }
})

test('tidy: the default install has at most 25 packages', () => {
  const { packages } = JSON.parse(text('package-lock.json')) as Locked
  const production = Object.entries(packages).filter(([path, entry]) => path !== '' && !entry.dev && !entry.devOptional && !entry.optional && !entry.peer).map(([path]) => path)
  assert(production.length <= 25, `${production.length}: ${production.join(', ')}`)
})
