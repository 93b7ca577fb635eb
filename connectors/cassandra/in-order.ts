/**
 * Several streams at once, given out one after the other in their order: each is begun early enough to have its first piece when its turn comes.
 *
 * Limits: `widthMax` streams are open, each with one piece that waits
 */
export async function * inOrder<From, Piece> (from: AsyncIterable<From> | Iterable<From>, open: (one: From) => AsyncGenerator<Piece>, widthMax: number): AsyncGenerator<Piece> {
  const source = (async function * () { yield * from })()
  const begun: { readonly stream: AsyncGenerator<Piece>, readonly first: Promise<IteratorResult<Piece>> }[] = []
  let isOver = false
  let current: AsyncGenerator<Piece> | null = null
  try {
    for (;;) {
      while (!isOver && begun.length < widthMax) {
        const { done, value } = await source.next()
        if (done) isOver = true
        else {
          const stream = open(value)
          const first = stream.next()
          // Who takes it meets the error; until then it is nobody's.
          first.catch(() => {})
          begun.push({ stream, first })
        }
      }
      const next = begun.shift()
      if (next === undefined) return
      current = next.stream
      for (let piece = await next.first; !piece.done;) {
        const following = next.stream.next()
        following.catch(() => {})
        yield piece.value
        piece = await following
      }
    }
  } finally {
    await source.return(undefined)
    void current?.return(undefined).catch(() => {})
    for (const { stream, first } of begun) void first.then(() => stream.return(undefined), () => {})
  }
}

/** Sorted streams as one, by `compare`. */
export async function * merged<Item> (streams: readonly AsyncGenerator<readonly Item[]>[], compare: (a: Item, b: Item) => number, pieceMax: number): AsyncGenerator<Item[]> {
  const heads = await Promise.all(streams.map(async stream => ({ stream, items: await nextItems(stream), at: 0 })))
  let piece: Item[] = []
  for (;;) {
    let least: typeof heads[number] | null = null
    for (const head of heads) if (head.items !== null && (least === null || compare(head.items[head.at]!, least.items![least.at]!) < 0)) least = head
    if (least === null) break
    piece.push(least.items![least.at]!)
    least.at += 1
    if (least.at === least.items!.length) [least.items, least.at] = [await nextItems(least.stream), 0]
    if (piece.length < pieceMax) continue
    yield piece
    piece = []
  }
  if (piece.length > 0) yield piece
}

async function nextItems<Item> (stream: AsyncGenerator<readonly Item[]>): Promise<readonly Item[] | null> {
  for (;;) {
    const { done, value } = await stream.next()
    if (done) return null
    if (value.length > 0) return value
  }
}
