import { DamsonBeacon } from '@damson/next/client'
import type { Metadata } from 'next'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { SessionPanel } from '../components/session-panel'
import './style.css'

export const metadata: Metadata = { title: 'The Damson Shop', description: 'An example of @damson/next' }

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <header>
          <Link href="/" className="name">
            The Damson Shop
          </Link>
          <nav>
            <Link href="/cart">Cart</Link>
            <Link href="/sign-in">Sign in</Link>
          </nav>
        </header>
        <main>{children}</main>
        <SessionPanel />
        <DamsonBeacon />
      </body>
    </html>
  )
}
