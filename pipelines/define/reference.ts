import { definitionJsonSchema, type JsonSchema } from './json-schema.ts'

/** docs/reference.md: every word of a definition, printed from the schema that checks it. */
export function referencePage (): string {
  const schema = definitionJsonSchema()
  const shown = Object.entries(schema.$defs ?? {}).filter(([name]) => name !== 'Module' && name !== 'OnlySource')
  const page = `# The definition

Printed from the definition's schema by \`npm run docs\`. The same words stand in TypeScript (\`definePipeline({ ... })\`) and in YAML; editors
complete and check YAML with \`docs/definition.schema.json\` (first line: \`# yaml-language-server: $schema=<its path>\`).

Everything but \`name\`, \`source\` (or \`sources\`), \`key\` and \`time\` may be absent. In the short form, \`key\`, \`time.field\`, \`interval\`, \`dedupe\` and
\`normalise\` stand beside \`source\`, or in it.

${table(schema)}
${sections(schema)}${shown.map(([name, part]) => `## ${name}\n\n${describe(part)}\n`).join('\n')}`
  return `${page.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`
}

/** Parts that are written in place get a section under the word that holds them. */
function sections (schema: JsonSchema): string {
  return Object.entries(schema.properties ?? {}).filter(([, part]) => part.properties !== undefined)
    .map(([name, part]) => `## ${name}\n\n${describe(part)}\n`).join('\n')
}

function describe (part: JsonSchema): string {
  const text = part.description === undefined ? '' : `${sentence(part.description)}\n\n`
  const options = part.anyOf as readonly JsonSchema[] | undefined
  if (options === undefined) return `${text}${part.properties === undefined ? `${typeText(part)}\n` : table(part)}`
  return `${text}${options.map(option => `- ${typeText(option)}${option.description === undefined ? '' : `: ${option.description}`}${option.properties === undefined ? '' : `:\n\n${table(option)}`}\n`).join('')}`
}

function table ({ properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties).map(([name, part]) => {
    const fallback = part.default === undefined || JSON.stringify(part.default) === '{}' ? '' : `\`${JSON.stringify(part.default).replaceAll('"', '')}\``
    return `| \`${name}\` | ${escaped(typeText(part))} | ${required.includes(name) ? 'required' : fallback} | ${escaped(part.description ?? '')} |`
  })
  return `| word | value | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

function typeText (part: JsonSchema): string {
  if (typeof part.$ref === 'string') return reference(part.$ref)
  if (Array.isArray(part.anyOf)) return (part.anyOf as readonly JsonSchema[]).filter(option => option.not === undefined && option.$ref !== '#/$defs/Module').map(typeText).join(' or ')
  if (part.const !== undefined) return `\`${String(part.const)}\``
  if (Array.isArray(part.enum)) return part.enum.map(value => `\`${String(value)}\``).join(', ')
  if (Array.isArray(part.prefixItems)) return `[${(part.prefixItems as readonly JsonSchema[]).map(typeText).join(', ')}]`
  if (part.type === 'array') return `list of ${typeText(part.items as JsonSchema)}`
  if (part.type === 'object') return part.properties === undefined ? `names, each a ${typeText(part.additionalProperties as JsonSchema)}` : `\`{ ${Object.keys(part.properties).join(', ')} }\``
  return { string: 'text', integer: 'whole number', number: 'number', boolean: 'true or false', null: 'null' }[String(part.type)] ?? 'anything'
}

function reference (ref: string): string {
  const name = ref.slice(ref.lastIndexOf('/') + 1)
  return name === 'OnlySource' ? '[Source](#source)' : `[${name}](#${name.toLowerCase()})`
}

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`
const escaped = (text: string) => text.replaceAll('|', '\\|')
