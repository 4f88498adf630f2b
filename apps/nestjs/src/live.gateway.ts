import { CurrentTracker, DamsonGateway, type DamsonService, InjectDamson, Track } from '@damson/nestjs'
import type { Tracker } from '@damson/core'
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'

/** While the page is open its connection is; the session pauses with it and goes on with it. */
@WebSocketGateway({ path: '/live' })
export class LiveGateway extends DamsonGateway {
  constructor(@InjectDamson() damson: DamsonService) {
    super(damson)
  }

  @SubscribeMessage('like')
  @Track('Liked')
  like(@CurrentTracker() tracker: Tracker | null) {
    return { event: 'session', data: { phase: tracker?.session?.phase ?? 'none' } }
  }
}
