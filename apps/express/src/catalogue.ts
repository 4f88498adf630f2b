export interface Product {
  readonly id: string
  readonly name: string
  readonly line: string
  /** In euros. */
  readonly price: number
  readonly colours: readonly [string, string]
}

export const CURRENCY = 'EUR'

export const CATALOGUE: readonly Product[] = [
  {
    id: 'jam',
    name: 'Damson jam',
    line: 'Cooked in copper, low in sugar.',
    price: 6.5,
    colours: ['#5b2a57', '#a5518f'],
  },
  { id: 'gin', name: 'Damson gin', line: 'Steeped for a whole winter.', price: 34, colours: ['#3d1f4e', '#b0457b'] },
  {
    id: 'tree',
    name: 'A damson tree',
    line: 'Two years old, bears in three.',
    price: 48,
    colours: ['#2f5d43', '#88a94f'],
  },
  {
    id: 'cheese',
    name: 'Damson cheese',
    line: 'Not cheese. Better with cheese.',
    price: 8.9,
    colours: ['#702c3c', '#d0725c'],
  },
  {
    id: 'wood',
    name: 'A plumwood spoon',
    line: 'Turned by hand, oiled twice.',
    price: 19,
    colours: ['#6b4a2b', '#c79a5b'],
  },
  {
    id: 'dye',
    name: 'Damson dye',
    line: 'For wool. It does not wash out.',
    price: 12,
    colours: ['#263a72', '#7a5cc0'],
  },
]

export function findProduct(id: unknown): Product | undefined {
  return CATALOGUE.find((product) => product.id === id)
}

export function priceOf(products: readonly Product[]): number {
  return Math.round(products.reduce((sum, { price }) => sum + price, 0) * 100) / 100
}
