import { writeFileSync } from 'node:fs'
import { errorCatalogue } from '../pipelines/core/errors.ts'

/** The pages of docs/ that are printed from the code. `npm run docs` writes them; a test holds them against the code. */
export function errorsPage (): string {
  const next = { 'dead-letter': 'the record goes to the dead-letter topic and the pipeline goes on', retry: 'tried again with growing pauses', stop: 'the task stops and says so' }
  const whose = { data: 'the data', config: 'the definition or configuration', external: 'a system around Millrace', bug: 'Millrace itself' }
  const sections = Object.entries(errorCatalogue).sort(([a], [b]) => a < b ? -1 : 1).map(([code, { fault, action, says, advice }]) =>
    `## ${code}\n\n${says}.\n\n- Whose fault: ${whose[fault]}\n- What happens: ${next[action]}\n\n${advice}\n`)
  return `# Errors\n\nPrinted from the error catalogue by \`npm run docs\`. Every message begins with what could not be done and carries one of these codes.\n\n${sections.join('\n')}`
}

if (import.meta.main) writeFileSync(new URL('errors.md', import.meta.url), errorsPage())
