const portFirst = 9092

export interface Node {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  isUp: boolean
  /** Grows when it is killed: whoever was connected is not any more. */
  life: number
}

/**
 * The nodes of a cluster, and what each leads: partitions, groups, transactional ids. All that one has taken the others have too, so that any may lead
 * what one did that is down.
 */
export class Nodes {
  readonly all: readonly Node[]
  readonly #leaders = new Map<string, Node>()

  constructor (count: number) {
    this.all = Array.from({ length: count }, (_, at) => ({ nodeId: at + 1, host: 'broker', port: portFirst + at, isUp: true, life: 0 }))
  }

  at (port: number): Node { return this.all[port - portFirst]! }

  leaderOf (what: string): Node {
    let found = this.#leaders.get(what)
    if (found === undefined) this.#leaders.set(what, found = this.all[this.#leaders.size % this.all.length]!)
    return found
  }

  leads (port: number, what: string): boolean { return this.leaderOf(what).port === port }

  kill (node: Node): void {
    node.isUp = false
    node.life += 1
  }

  /** What nodes lead that are down, others lead from now on. */
  elect (pick: (nodes: readonly Node[]) => Node): void {
    const up = this.all.filter(({ isUp }) => isUp)
    if (up.length > 0) for (const [what, { isUp }] of this.#leaders) if (!isUp) this.#leaders.set(what, pick(up))
  }

  /** Something is led by another, though the one that did is well. */
  move (pick: <T>(from: readonly T[]) => T): void {
    const up = this.all.filter(({ isUp }) => isUp)
    if (up.length > 0 && this.#leaders.size > 0) this.#leaders.set(pick([...this.#leaders.keys()]), pick(up))
  }
}
