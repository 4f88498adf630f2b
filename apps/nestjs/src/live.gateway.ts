import { CurrentTracker, DamsonGateway, type DamsonService, InjectDamson, Track } from '@damson/nestjs'
import type { Tracker } from '@damson/core'
import { SubscribeMessage, WebSocketGateway, type WsResponse } from '@nestjs/websockets'
import { type SessionView, sessionView } from './session-view.ts'

/** The page holds its connection exactly while somebody sees it, so being connected is looking, and nothing idles. */
@WebSocketGateway({ path: '/live' })
export class LiveGateway extends DamsonGateway {
  constructor(@InjectDamson() damson: DamsonService) {
    super(damson, { idleMs: null })
  }

  @SubscribeMessage('session')
  session(@CurrentTracker() tracker: Tracker | null): WsResponse<SessionView> {
    return { event: 'session', data: sessionView(tracker) }
  }

  @SubscribeMessage('like')
  @Track('Liked')
  like(@CurrentTracker() tracker: Tracker | null): WsResponse<SessionView> {
    return { event: 'session', data: sessionView(tracker) }
  }
}
