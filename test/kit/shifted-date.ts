/** From now on every clock of this process that is not monotonic is so far off, whoever asks it. */
export function shiftDate (ms: number): void {
  const Real = Date
  const now = () => Real.now() + ms
  globalThis.Date = new Proxy(Real, {
    construct: (target, given, as) => Reflect.construct(target, given.length === 0 ? [now()] : given, as) as Date,
    get: (target, name) => name === 'now' ? now : Reflect.get(target, name) as unknown,
  })
}
