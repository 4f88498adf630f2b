export interface Item {
  readonly id: string
  readonly name: string
  readonly line: string
  readonly price: number
  readonly colours: readonly [string, string]
}

/** Prices in euros. */
export const GOODS: readonly Item[] = [
  {
    id: 'jam',
    name: 'Damson jam',
    line: 'Cooked in copper, low in sugar.',
    price: 4.5,
    colours: ['#5b2a57', '#a5518f'],
  },
  {
    id: 'tree',
    name: 'Damson tree',
    line: 'Two years old, bears in three.',
    price: 29,
    colours: ['#2f5d43', '#88a94f'],
  },
  { id: 'gin', name: 'Damson gin', line: 'Steeped for a whole winter.', price: 24.9, colours: ['#3d1f4e', '#b0457b'] },
]
