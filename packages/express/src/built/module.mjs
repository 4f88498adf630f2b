import * as core from '@damson/core'
import * as damson from '@damson/express'
import * as server from '@damson/server'
import * as node from '@damson/server/node'
import { createRequire } from 'node:module'
import shop from './shop.cjs'

const { default: express } = await import(process.argv[2])
const other = createRequire(import.meta.url)('@damson/express')
await shop.openShop({ express, core, damson, other, server, node })
