import { DamsonBeacon } from '@damson/next/client'
import type { ReactNode } from 'react'

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        {children}
        <DamsonBeacon />
      </body>
    </html>
  )
}
