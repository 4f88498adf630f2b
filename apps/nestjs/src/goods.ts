export interface Item {
  readonly id: string
  readonly name: string
  readonly price: number
}

/** Prices in euros. */
export const GOODS: readonly Item[] = [
  { id: 'jam', name: 'Damson jam', price: 4.5 },
  { id: 'tree', name: 'Damson tree, two years old', price: 29 },
  { id: 'gin', name: 'Damson gin', price: 24.9 },
]
