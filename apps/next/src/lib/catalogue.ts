export interface Item {
  readonly id: string
  readonly name: string
  readonly taste: string
  /** In euros. */
  readonly price: number
  /** Of its picture. */
  readonly colours: readonly [string, string]
}

export const CURRENCY = 'EUR'

export const ITEMS: readonly Item[] = [
  {
    id: 'jam',
    name: 'Damson jam',
    taste: 'Tart, dark, with the stones left out.',
    price: 6.5,
    colours: ['#5b2a57', '#a5518f'],
  },
  {
    id: 'gin',
    name: 'Damson gin',
    taste: 'A year in the bottle, purple as ink.',
    price: 32,
    colours: ['#3d1f4e', '#b0457b'],
  },
  {
    id: 'cheese',
    name: 'Damson cheese',
    taste: 'Not a cheese. Sliced, with one.',
    price: 9.8,
    colours: ['#702c3c', '#d0725c'],
  },
  {
    id: 'sapling',
    name: 'A sapling',
    taste: 'Four years until the first jam.',
    price: 24,
    colours: ['#2f5d43', '#88a94f'],
  },
]

export const itemOf = (id: string): Item | undefined => ITEMS.find((item) => item.id === id)

export const euros = (amount: number): string =>
  new Intl.NumberFormat('en-IE', { style: 'currency', currency: CURRENCY }).format(amount)
