import { missing as kafkajsMissing } from '../../connectors/kafkajs/config.ts'
import { missing as rdkafkaMissing } from '../../connectors/rdkafka/config.ts'
import { behaviours, type Verdict } from './behaviours.ts'

/** What was seen of one client, by the text of the behaviour. `cannot`: it has no such function. */
export type Result = { readonly verdict: Verdict } | { readonly cannot: string }
export interface Seen { readonly client: string, readonly version: string, readonly results: ReadonlyMap<string, Result> }
/** Of one connector: the cases of the contract suite that it ran, and whether it passed them. */
export interface Contract { readonly connector: string, readonly passed: ReadonlyMap<string, boolean> }

const escaped = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

function cell (result: Result | undefined): string {
  if (result === undefined) return 'not seen'
  if ('cannot' in result) return `– ${escaped(result.cannot)}`
  const { verdict } = result
  if (verdict === true) return 'yes'
  if (typeof verdict === 'string') return `**no**: ${escaped(verdict)}`
  const { works, fails } = verdict
  return fails.length === 0 ? works.join(', ') : `${works.length === 0 ? '' : `${works.join(', ')}; `}**not** ${fails.join(', ')}`
}

/** docs/clients.md. */
export function clientsPage ({ seen, contracts, kafka, node }: { readonly seen: readonly Seen[], readonly contracts: readonly Contract[], readonly kafka: string, readonly node: string }): string {
  const groups = [...new Set(behaviours.map(({ group }) => group))]
  const bare = groups.map(group => `### ${group}\n\n${table(['', ...seen.map(({ client }) => client)], behaviours.filter(one => one.group === group).map(({ says }) => [escaped(says), ...seen.map(({ results }) => cell(results.get(says)))]))}\n`)
  const cases = [...new Set(contracts.flatMap(({ passed }) => [...passed.keys()]))]
  const contract = table(['', ...contracts.map(({ connector }) => connector)], cases.map(name => [escaped(name), ...contracts.map(({ passed }) => { const one = passed.get(name); return one === undefined ? 'not asked' : one ? 'passes' : '**fails**' })]))
  const list = (missing: Readonly<Record<string, string>>) => Object.entries(missing).map(([name, why]) => `- \`${name}\`: ${why}`).join('\n')
  return `# Clients of Kafka

Printed by \`npm run docs:clients\`: every cell is what an experiment against a real broker has shown, none was written by hand. The experiments are in test/clients/behaviours.ts, one function a row;
a client that lacks a function has a dash and the reason. Run them against another version by changing one line in test/clients/look.ts.

Kafka ${kafka}, Node ${node}, ${seen.map(({ client, version }) => `${client} ${version}`).join(', ')}.

## What each client does

\`connectors/kafka\` is Millrace's own, through its port of the log; the others are used as their documentation shows, with their settings for \`read_committed\`, checksums and Java's partitioner where they have them.

${bare.join('\n')}
## Behind Millrace's port

A pipeline runs on any of three connectors. All of them pass the contract suite of the log (test/contract/log-contract.ts), with TLS and logins too; where a client differs by right, the suite asks for less, and the connector refuses to start until that is accepted.

${contract}

\`connectors/kafkajs\` and \`connectors/rdkafka\` take records one by one out of their clients and frame them again as record batches: that is a copy, a checksum and an object a record, where \`connectors/kafka\` hands the broker's bytes on.

### kafkajs

\`npm install --save-exact kafkajs@2.2.4\`. One worker leads a group alone, and the next one fences it by taking its transactional ids over: what kafkajs sends with offsets names neither member nor generation, so that members that share could not be told apart. More workers are refused at the start. It reads and leaves committed offsets as \`connectors/kafka\` does, but knows topics by name alone: a pipeline that changes to it or from it needs a reset.
Fetches to one broker wait behind one another for up to 100 ms. These are refused at the start unless \`accept.missing\` names them:

${list(kafkajsMissing)}

### node-rdkafka

\`npm install --save-exact node-rdkafka@3.6.1\` compiles librdkafka for two minutes (a C++ compiler, make, Python; \`libzstd-dev\` for zstd). Members share a group under static names. It has no requests that describe, change or trim topics: another connector does that for it. Its calls block threads of libuv: with several members in a process raise \`UV_THREADPOOL_SIZE\`.
After a member that died its partitions wait until its transaction times out (\`transaction.timeout.ms\`), since no other may take its transactional ids over. These are refused at the start unless \`accept.missing\` names them (\`zstd\` only where it was compiled without):

${list(rdkafkaMissing)}
`
}
