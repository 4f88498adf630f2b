'use client'

import { startBeacon } from '@damson/core/beacon'
import { usePathname } from 'next/navigation.js'
import { createElement, Suspense, useEffect, useRef, type ReactNode } from 'react'

export interface DamsonBeaconProps {
  /** Where `damson.handlers` stand. Default `/damson/beacon`. */
  readonly endpoint?: string
}

/**
 * Tells the server while the page is looked at, so that a session lasts as long as the attention and not as long as the tab;
 * and which pages the router moves to, which costs no request the server could count. Once, in the root layout; draws
 * nothing.
 */
export function DamsonBeacon({ endpoint = '/damson/beacon' }: DamsonBeaconProps): ReactNode {
  // The path of a page that is prerendered in part is not known at first; nothing else has to wait for it.
  return createElement(Suspense, { fallback: null }, createElement(Beacon, { endpoint }))
}

function Beacon({ endpoint }: Required<DamsonBeaconProps>): null {
  const path: string | null = usePathname()
  const lastPath = useRef(path)

  useEffect(() => {
    const beacon = startBeacon({ endpoint })
    return () => beacon.detach()
  }, [endpoint])

  useEffect(() => {
    const { current: last } = lastPath
    lastPath.current = path
    // The first page is the one the browser loaded: the proxy has counted it. In `pages/` its path may at first not be known.
    if (last !== null && path !== null && last !== path) tellPage(endpoint, path)
  }, [endpoint, path])

  return null
}

function tellPage(endpoint: string, path: string): void {
  const body = JSON.stringify({ type: 'page', path })
  // Whether it arrives is not the page's concern, and a page has nobody to tell.
  fetch(endpoint, { method: 'POST', body, keepalive: true, headers: { 'content-type': 'text/plain' } }).catch(ignore)
}

function ignore(): void {}
