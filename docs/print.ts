import { writeFileSync } from 'node:fs'
import { errorCatalogue } from '../pipelines/core/errors.ts'
import { definitionJsonSchema } from '../pipelines/define/json-schema.ts'
import { referencePage } from '../pipelines/define/reference.ts'

/** The pages of docs/ that are printed from the code. `npm run docs` writes them; a test holds them against the code. */
export function errorsPage (): string {
  const next = { 'dead-letter': 'the record goes to the dead-letter topic and the pipeline goes on', retry: 'tried again with growing pauses', stop: 'the task stops and says so' }
  const whose = { data: 'the data', config: 'the definition or configuration', external: 'a system around Millrace', bug: 'Millrace itself' }
  const sections = Object.entries(errorCatalogue).sort(([a], [b]) => a < b ? -1 : 1).map(([code, { fault, action, says, advice }]) =>
    `## ${code}\n\n${says}.\n\n- Whose fault: ${whose[fault]}\n- What happens: ${next[action]}\n\n${advice}\n`)
  return `# Errors\n\nPrinted from the error catalogue by \`npm run docs\`. Every message begins with what could not be done and carries one of these codes.\n\n${sections.join('\n')}`
}

/** Every printed page by its file's name. */
export const pages: Readonly<Record<string, () => string>> = {
  'errors.md': errorsPage,
  'reference.md': referencePage,
  'definition.schema.json': () => `${JSON.stringify(definitionJsonSchema(), null, 2)}\n`,
}

if (import.meta.main) for (const [file, print] of Object.entries(pages)) writeFileSync(new URL(file, import.meta.url), print())
