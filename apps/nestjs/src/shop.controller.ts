import { readFileSync } from 'node:fs'
import type { Tracker } from '@damson/core'
import { CurrentTracker, type DamsonService, InjectDamson, Track } from '@damson/nestjs'
import { Body, Controller, Get, Header, Headers, HttpCode, NotFoundException, Param, Post, Res } from '@nestjs/common'
import { GOODS, type Item } from './goods.ts'
import { signIn, signOut } from './people.ts'
import { type SessionView, sessionView } from './session-view.ts'

const PAGE = readFileSync(new URL('../public/index.html', import.meta.url), 'utf8')

/** What we need of Express's response. */
interface Answer {
  appendHeader(name: string, value: string): unknown
}

@Controller()
export class ShopController {
  readonly #damson: DamsonService

  constructor(@InjectDamson() damson: DamsonService) {
    this.#damson = damson
  }

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Track('Shop opened')
  page(): string {
    return PAGE
  }

  @Get('goods')
  goods(): readonly Item[] {
    return GOODS
  }

  @Post('sign-in')
  @HttpCode(204)
  signIn(@Body() { name }: { readonly name?: unknown }, @Res({ passthrough: true }) answer: Answer): void {
    answer.appendHeader('set-cookie', signIn(String(name ?? 'somebody').slice(0, 50)))
  }

  /** The session ends where the visit does, and whoever comes next is a stranger. */
  @Post('sign-out')
  @HttpCode(204)
  async signOut(
    @Headers('cookie') cookies: string | undefined,
    @Res({ passthrough: true }) answer: Answer,
  ): Promise<void> {
    await this.#damson.logout()
    answer.appendHeader('set-cookie', signOut(cookies ?? null))
  }

  @Post('goods/:id/buy')
  @Track('Purchase', {
    value: ({ price }: Item) => price,
    currencyCode: 'EUR',
    params: ({ id }: Item) => ({ item: id }),
  })
  buy(@Param('id') id: string): Item {
    const item = GOODS.find((item) => item.id === id)
    if (item === undefined) throw new NotFoundException()
    return item
  }

  /** What this process believes of your session; the page is told over its connection. */
  @Get('session')
  session(@CurrentTracker() tracker: Tracker | null): SessionView {
    return sessionView(tracker)
  }
}
