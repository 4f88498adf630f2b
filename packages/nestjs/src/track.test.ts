import 'reflect-metadata'
import { createClient, defineEvents, params } from '@damson/core'
import { recordingFetch } from '@damson/core/testing'
import { Get, RequestMethod, SetMetadata } from '@nestjs/common'
import { EMPTY, throwError } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { runInVisit } from './scope.ts'
import { Track, trackFor } from './track.ts'

function open() {
  const server = recordingFetch()
  const client = createClient({ appId: 'app', clientKey: 'key', fetch: server })
  const errors: unknown[] = []
  const tracker = client.for({ userId: 'ann' })
  const visit = { tracker, onError: (error: unknown) => void errors.push(error), leave: () => tracker.stop() }
  const events = async () => {
    await client.flush()
    return server.taken.filter(({ action }) => action === 'track').map(({ event }) => event)
  }
  return { visit, errors, events, as: <T>(work: () => T) => runInVisit('default', visit, work) }
}

const TrackSold = trackFor(defineEvents({ Sold: params<{ item: string }>(), Opened: null }))

class Shop {
  readonly price = 3

  @Track('Asked', { value: (price: number) => price })
  ask(): number {
    return this.price
  }

  @Track('Broken', {
    params: () => {
      throw new Error('no params today')
    },
  })
  broken(): string {
    return 'still answered'
  }

  @Track('Failed')
  fail() {
    return throwError(() => new Error('later'))
  }

  @Track('Emptied')
  empty() {
    return EMPTY
  }

  @Get('above')
  @Track('Above')
  above() {}

  @Track('Below')
  @SetMetadata('role', 'clerk')
  @Get('below')
  below(_one: string, _two: string) {}

  @TrackSold('Sold', { params: (_price: number, item: string) => ({ item }) })
  async sell(_item: string): Promise<number> {
    return 1
  }

  // @ts-expect-error the event is called Sold
  @TrackSold('Slod', {})
  // @ts-expect-error an item is a text
  @TrackSold('Sold', { params: { item: 3 } })
  // @ts-expect-error this method gives no text
  @TrackSold('Opened', { value: (result: string) => result.length })
  misspelt(): number {
    return 1
  }
}

describe('@Track', () => {
  test('keeps `this`, the result and what was thrown, and tracks once for the visitor of the call', async () => {
    const { as, events } = open()
    expect(as(() => new Shop().ask())).toBe(3)
    await as(() => new Shop().sell('tea'))
    expect(await events()).toEqual(['Asked', 'Sold'])
  })

  test('an option that throws is reported, and the method answers all the same', async () => {
    const { as, errors, events } = open()
    expect(as(() => new Shop().broken())).toBe('still answered')
    expect(errors).toEqual([new Error('no params today')])
    expect(await events()).toEqual([])
  })

  test('an Observable tracks when it completes, however little it gave, and not when it fails', async () => {
    const { as, events } = open()
    as(() => new Shop().fail()).subscribe({ error: () => undefined })
    as(() => new Shop().empty()).subscribe()
    expect(await events()).toEqual(['Emptied'])
  })

  test('what other decorators keep with the method is found, above and below', () => {
    const { above, below } = Shop.prototype
    expect(Reflect.getMetadata('path', above)).toBe('above')
    expect(Reflect.getMetadata('path', below)).toBe('below')
    expect(Reflect.getMetadata('method', below)).toBe(RequestMethod.GET)
    expect(Reflect.getMetadata('role', below)).toBe('clerk')
    expect([below.name, below.length]).toEqual(['below', 2])
  })

  test('outside of any visit nothing is tracked and nothing breaks', () => {
    expect(new Shop().ask()).toBe(3)
  })
})
