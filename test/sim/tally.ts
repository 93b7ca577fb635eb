/** How often what happened, over one life or many. */
export class Tally {
  readonly crashes = new Map<string, number>()
  readonly others = new Map<string, number>()

  crash (place: string): void { this.crashes.set(place, (this.crashes.get(place) ?? 0) + 1) }
  count (what: string, by = 1): void { this.others.set(what, (this.others.get(what) ?? 0) + by) }

  add (other: Tally): void {
    for (const [place, many] of other.crashes) this.crashes.set(place, (this.crashes.get(place) ?? 0) + many)
    for (const [what, many] of other.others) this.count(what, many)
  }

  get crashCount (): number { return [...this.crashes.values()].reduce((sum, many) => sum + many, 0) }
  of (what: string): number { return this.others.get(what) ?? 0 }

  toString (): string {
    const list = (counts: ReadonlyMap<string, number>) => [...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([what, many]) => `  ${what}: ${many}`).join('\n')
    return `${this.crashCount} crashes at ${this.crashes.size} places\n${list(this.crashes)}\nbeside them\n${list(this.others)}`
  }
}
