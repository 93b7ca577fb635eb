/** Like Promise.all, but nothing is under way any more when it rejects: what undoes things must come after everything it undoes. */
export async function settled<T extends readonly unknown[]> (parts: T): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }> {
  const results = await Promise.allSettled(parts)
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return results.map(result => (result as PromiseFulfilledResult<unknown>).value) as { -readonly [I in keyof T]: Awaited<T[I]> }
}
