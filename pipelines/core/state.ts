export type TypedArray = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array | BigInt64Array

/** Plain data a stage needs to go on from here. Typed arrays are cut to what is used, so a snapshot of little state is little. */
export type StateValue = null | boolean | number | string | TypedArray | StateTree | readonly StateValue[]
export interface StateTree { readonly [name: string]: StateValue }

/**
 * Anything that remembers. `snapshot` copies (the caller may keep it while processing goes on); `restore` takes a tree
 * of the same `hash` and must lead to the same output, byte for byte, as never having stopped.
 */
export interface Stateful {
  snapshot (): StateTree
  restore (state: StateTree): void
}
