import type { Commit, JoinRequest, LogPort, Membership } from '../../pipelines/core/ports.ts'
import { readBatchHeader } from '../../pipelines/core/record-batch.ts'

/** Where a worker's milliseconds go: a log that takes the time of what passes through it. `tell` prints quantiles and begins anew. */
export function timed (log: LogPort): { readonly log: LogPort, readonly tell: () => void } {
  const hops = new Map<string, number[]>()
  const took = (hop: string, ms: number) => { (hops.get(hop) ?? hops.set(hop, []).get(hop)!).push(ms) }
  let fetchedMs = 0
  const fetch: LogPort['fetch'] = async request => {
    const answer = await log.fetch(request)
    const header = readBatchHeader(answer.bytes, 0)
    if (header !== null && request.waitMs > 0) {
      took('appended -> fetched (first record of a fetch; whole milliseconds)', Date.now() - header.baseTimestamp)
      took('records a fetch', header.count)
      fetchedMs = performance.now()
    }
    return answer
  }
  const join = async (request: JoinRequest): Promise<Membership> => {
    const member = await log.join(request)
    const commit = async (commit: Commit) => {
      const began = performance.now()
      if (commit.appends.length > 0) took('last fetch -> commit', began - fetchedMs)
      await member.commit(commit)
      took(commit.appends.length > 0 ? 'commit with outputs -> committed' : 'commit of offsets -> committed', performance.now() - began)
    }
    const ahead = member.ahead === undefined ? undefined : async (appends: Commit['appends']) => {
      const began = performance.now()
      took('last fetch -> written ahead', began - fetchedMs)
      await member.ahead!(appends)
      took('written ahead -> acknowledged', performance.now() - began)
    }
    return new Proxy(member, { get: (target, name) => name === 'commit' ? commit : name === 'ahead' ? ahead : boundTo(target, name) })
  }
  return {
    log: new Proxy(log, { get: (target, name) => name === 'fetch' ? fetch : name === 'join' ? join : boundTo(target, name) }),
    tell () {
      for (const [hop, all] of hops) {
        all.sort((a, b) => a - b)
        const at = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))]!.toFixed(1)
        process.stdout.write(`  ${hop}: ${all.length} times, p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} max ${at(1)}\n`)
      }
      hops.clear()
    },
  }
}

function boundTo<T extends object> (target: T, name: string | symbol): unknown {
  const found: unknown = Reflect.get(target, name, target)
  return typeof found === 'function' ? found.bind(target) : found
}
