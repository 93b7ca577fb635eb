import { test } from 'node:test'
import type { LogUnderTest } from './log.ts'
import { committing } from './log-committing.ts'
import { fetching } from './log-fetching.ts'
import { leading, sharing } from './log-groups.ts'
import { topics } from './log-topics.ts'

/** Where implementations differ by right. */
export interface LogTraits {
  /** Of a topic's name; less where a prefix stands before it. */
  readonly nameMax?: number
  /** Whether members of a group share its partitions; else the newest leads alone. */
  readonly shares?: boolean
  /** Whether a topic made anew has another id. */
  readonly ids?: boolean
  /** Whether batches come back as they were appended; else records do. */
  readonly framed?: boolean
}

/** What every implementation of the port must do. `make` gives a new, empty log each time. */
export function logContract (name: string, make: () => Promise<LogUnderTest>, { nameMax = 249, shares = false, ids = true, framed = true }: LogTraits = {}): void {
  const contract = (behaviour: string, body: (subject: LogUnderTest) => Promise<void>) => test(`${name} ${behaviour}`, async () => {
    const subject = await make()
    try { await body(subject) } finally { await subject.finish() }
  })
  topics(contract, { nameMax, ids })
  fetching(contract, framed)
  committing(contract)
  if (shares) sharing(contract)
  else leading(contract)
}
