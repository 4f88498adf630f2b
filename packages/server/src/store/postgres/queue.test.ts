import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createQueue, type Queued } from './queue.ts'

interface One extends Queued<One> {
  readonly no: number
}

test('whoever has come and not left stands in it, in the order of coming', () => {
  const steps = fc.array(fc.oneof(fc.constant('join'), fc.nat()), { maxLength: 60 })
  fc.assert(
    fc.property(steps, (list) => {
      const queue = createQueue<One>()
      const model: One[] = []
      for (const [no, step] of list.entries()) {
        if (typeof step === 'string') {
          const one: One = { no, before: null, behind: null }
          queue.join(one)
          model.push(one)
        } else if (model.length > 0) {
          const [gone] = model.splice(step % model.length, 1)
          queue.leave(gone!)
          // Whoever has left leads to nobody who came later.
          expect(gone).toMatchObject({ before: null, behind: null })
        }
        expect(queue.size).toBe(model.length)
        expect(standing(queue.first)).toEqual(model.map((one) => one.no))
      }
    }),
  )
})

function standing(first: One | null): number[] {
  const numbers: number[] = []
  for (let one = first; one !== null; one = one.behind) numbers.push(one.no)
  return numbers
}
