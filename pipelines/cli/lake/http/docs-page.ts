import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Parameter, Route } from './declare.ts'

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem; border-top: 1px solid var(--line); padding-top: 1rem }
code, pre { font: 0.9em ui-monospace, monospace } pre { overflow-x: auto; padding: 0.75rem; border: 1px solid var(--line); border-radius: 6px }
table { border-collapse: collapse; width: 100% } td { padding: 0.25rem 1rem 0.25rem 0; vertical-align: top; border-top: 1px solid var(--line) } td:first-child { white-space: nowrap }
`
const styleHash = createHash('sha256').update(style).digest('base64')
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** What can be asked, for people: one page without a script, and nothing of any lake on it. */
export function docsPage (response: ServerResponse, routes: readonly Route[]): void {
  const body = page(routes)
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(body), 'content-security-policy': policy, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' }).end(body)
}

export function page (routes: readonly Route[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Millrace: ask the lake</title><style>${style}</style></head><body>
<h1>Ask the lake</h1>
<p>Readings, rollups and alerts as Millrace keeps them. Times are UTC. Answers come as JSON, as one JSON object a line, or as CSV, and begin before everything is read. For programs: <a href="/openapi.json">/openapi.json</a>.</p>
<pre>curl '${'http://127.0.0.1:8088'}/v1/query?signal=celsius&amp;stat=mean,p99&amp;by=site&amp;from=-7d&amp;format=csv'</pre>
<p>An answer that is cut off (a limit, a failure) ends as a broken transfer: what arrives whole is whole. What is wrong with a request is told as <code>application/problem+json</code>.</p>
${routes.map(section).join('\n')}
</body></html>
`
}

function section ({ path, says, parameters }: Route): string {
  const name = path.includes('{') ? `<code>${escaped(path)}</code>` : `<a href="${escaped(link(path, parameters))}"><code>${escaped(path)}</code></a>`
  return `<h2>${name}</h2>\n<p>${escaped(says)}.</p>\n<table>${parameters.map(row).join('')}</table>`
}

const row = ({ name, says, schema, required, fallback, example }: Parameter): string => {
  const notes = [Array.isArray(schema.enum) ? `One of ${schema.enum.join(', ')}.` : '', required === true ? 'Required.' : '', fallback === undefined || fallback === '' ? '' : `Default ${fallback}.`, example === undefined ? '' : `For example ${example}.`].filter(note => note !== '')
  return `<tr><td><code>${escaped(name)}</code></td><td>${escaped([`${says}.`, ...notes].join(' '))}</td></tr>`
}

/** Where an example makes sense without knowing a lake. */
const link = (path: string, parameters: readonly Parameter[]): string => parameters.some(({ required }) => required === true) ? '#' : `${path}?limit=10`

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
