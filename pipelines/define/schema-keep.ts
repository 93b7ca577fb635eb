import * as z from 'zod'
import { nearest } from '../core/nearest.ts'
import { identifier } from './schema-words.ts'

/** Statistics over one signal that take no argument. */
export const plainStatistics = ['sum', 'mean', 'min', 'max', 'stddev', 'first', 'last', 'delta', 'rate', 'distinct'] as const
export type PlainStatistic = (typeof plainStatistics)[number]
/** Those that read numbers only. */
export const numericStatistics: ReadonlySet<string> = new Set(['sum', 'mean', 'min', 'max', 'stddev', 'delta', 'rate', 'quantile'])
export const statisticWords = ['count', ...plainStatistics, 'quantile', 'collect'] as const

const meanings: Readonly<Record<PlainStatistic, string>> = {
  sum: 'of the numbers of a signal', mean: 'arithmetic mean', min: 'lowest', max: 'highest', stddev: 'standard deviation of the population',
  first: 'by event time', last: 'by event time', delta: 'last - first', rate: 'delta per second between first and last', distinct: 'how many different values, estimated by HyperLogLog',
}
const plain = Object.fromEntries(plainStatistics.map(word => [word, z.string().optional().describe(meanings[word])])) as Record<PlainStatistic, z.ZodOptional<z.ZodString>>

/** `'count'`, `{ mean: 'celsius' }`, `{ quantile: ['celsius', 0.99] }`, `{ collect: 'x' }`, `{ collect: ['x', 100] }`, `{ userStatistic: 'x' }`. */
const statistic = z.union([
  z.literal('count'),
  z.object({
    ...plain,
    quantile: z.tuple([z.string(), z.number().gt(0).lt(1)]).optional().describe('signal and quantile, for example [celsius, 0.99]'),
    collect: z.union([z.string(), z.tuple([z.string(), z.int().min(1).max(100_000)])]).optional().describe('a bounded list in order of arrival: signal, or [signal, limit]'),
    limit: z.int().min(1).max(100_000).optional().describe('with collect: how many; default 1000'),
  }).catchall(z.string()).superRefine((given, context) => {
    const words = Object.keys(given).filter(word => word !== 'limit' && given[word] !== undefined)
    if (words.length !== 1) context.addIssue({ code: 'custom', path: [], message: `a statistic is one word and its signal, for example mean: celsius${words.length > 1 ? `, not ${words.join(' and ')}` : ''}` })
    if (given.limit !== undefined && given.collect === undefined) context.addIssue({ code: 'custom', path: ['limit'], message: '"limit" goes with "collect" only' })
  }),
]).meta({ id: 'Statistic' })

export const keepSchema = z.record(identifier('statistic'), statistic).refine(keep => Object.keys(keep).length > 0, 'keep at least one statistic')
export type CheckedStatistic = z.output<typeof statistic>

export function nearestStatistic (word: string, user: Iterable<string>): string | null {
  return nearest(word, [...statisticWords, ...user])
}
