'use client'

import { usePathname } from 'next/navigation'
import { useEffect, useState } from 'react'

interface Told {
  readonly user: string | null
  readonly device: string | null
  readonly session: {
    readonly phase: string
    readonly startedAt: number
    readonly lastActivityAt: number
    readonly pausedMs: number
  } | null
  readonly sent: number
}

const LOOK_EVERY_MS = 1_000

/** What the server believes of this visitor, asked again and again while somebody looks. */
export function SessionPanel() {
  const path = usePathname()
  const [told, setTold] = useState<Told | null>(null)

  useEffect(() => {
    const look = async () => {
      if (document.visibilityState !== 'visible') return
      const response = await fetch('/session')
      setTold((await response.json()) as Told)
    }
    const lookAgain = () => look().catch(() => setTold(null))
    void lookAgain()
    const timer = setInterval(() => void lookAgain(), LOOK_EVERY_MS)
    return () => clearInterval(timer)
  }, [path])

  return (
    <aside aria-label="Your session">
      <h2>Your session</h2>
      <dl>
        <dt>You are</dt>
        <dd>{told?.user ?? 'a visitor'}</dd>
        <dt>Phase</dt>
        <dd data-testid="phase">{told?.session?.phase ?? '…'}</dd>
        <dt>Active for</dt>
        <dd>{told === null ? '…' : activeTime(told)}</dd>
        <dt>Actions sent</dt>
        <dd>{told?.sent ?? '…'}</dd>
      </dl>
    </aside>
  )
}

function activeTime({ session }: Told): string {
  if (session === null || session.phase === 'closed') return '…'
  const until = session.phase === 'paused' ? session.lastActivityAt : Date.now()
  const seconds = Math.max(0, Math.round((until - session.startedAt - session.pausedMs) / 1_000))
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
