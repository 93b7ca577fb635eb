/** Upper bounds of `requestTimes.counts`, in milliseconds; one more count is of those above. */
export const requestTimesMs: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_500, 5_000, 12_500]

/**
 * What a lake that is written to over a network has done since it was opened.
 *
 * Units: `requests`, `rows` and `bytes` of requests that were answered well; `retries` requests that failed and were sent again; `inFlightMax` the most there were
 */
export interface LakeFigures {
  requests: number
  rows: number
  bytes: number
  retries: number
  inFlight: number
  inFlightMax: number
  /** Requests by how long their answer took. */
  readonly requestTimes: { readonly counts: number[], sumMs: number }
}

export function createLakeFigures (): LakeFigures {
  return { requests: 0, rows: 0, bytes: 0, retries: 0, inFlight: 0, inFlightMax: 0, requestTimes: { counts: [...requestTimesMs, 0].map(() => 0), sumMs: 0 } }
}

export function countRequest ({ requestTimes }: LakeFigures, tookMs: number): void {
  const at = requestTimesMs.findIndex(boundMs => tookMs <= boundMs)
  requestTimes.counts[at < 0 ? requestTimesMs.length : at]! += 1
  requestTimes.sumMs += tookMs
}
