import { cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as damson from '@damson/nestjs'
import type * as damsonTerminus from '@damson/nestjs/terminus'
import type * as damsonTesting from '@damson/nestjs/testing'
import type * as apollo from '@nestjs/apollo'
import type * as common from '@nestjs/common'
import type * as core from '@nestjs/core'
import type * as graphql from '@nestjs/graphql'
import type * as microservices from '@nestjs/microservices'
import type * as express from '@nestjs/platform-express'
import type * as fastify from '@nestjs/platform-fastify'
import type * as ws from '@nestjs/platform-ws'
import type * as terminus from '@nestjs/terminus'
import type * as websockets from '@nestjs/websockets'
import type * as rxjs from 'rxjs'

/** NestJS as one folder of tests has it installed; typed as the newest. */
export interface Nest {
  readonly apollo: typeof apollo
  readonly common: typeof common
  readonly core: typeof core
  readonly express: typeof express
  readonly fastify: typeof fastify
  readonly graphql: typeof graphql
  readonly microservices: typeof microservices
  readonly rxjs: typeof rxjs
  readonly terminus: typeof terminus
  readonly websockets: typeof websockets
  readonly ws: typeof ws
}

/** Our package as it was built, in one of its two formats. */
export interface Built {
  readonly damson: typeof damson
  readonly terminus: typeof damsonTerminus
  readonly testing: typeof damsonTesting
}

export const FORMATS = ['ES module', 'CommonJS'] as const
export type Format = (typeof FORMATS)[number]

/** @param url of a file in the folder whose NestJS is meant. */
export function loadNest(url: string): Nest {
  const load = createRequire(url)
  load('reflect-metadata')
  return {
    apollo: load('@nestjs/apollo') as Nest['apollo'],
    common: load('@nestjs/common') as Nest['common'],
    core: load('@nestjs/core') as Nest['core'],
    express: load('@nestjs/platform-express') as Nest['express'],
    fastify: load('@nestjs/platform-fastify') as Nest['fastify'],
    graphql: load('@nestjs/graphql') as Nest['graphql'],
    microservices: load('@nestjs/microservices') as Nest['microservices'],
    rxjs: load('rxjs') as Nest['rxjs'],
    terminus: load('@nestjs/terminus') as Nest['terminus'],
    websockets: load('@nestjs/websockets') as Nest['websockets'],
    ws: load('@nestjs/platform-ws') as Nest['ws'],
  }
}

/**
 * Puts what was built where a registry would have put it: among the modules of this folder. Reached through the workspace's
 * link it would find the NestJS it was built with instead.
 */
export function installBuilt(url: string): (format: Format) => Promise<Built> {
  const load = createRequire(url)
  const source = dirname(load.resolve('@damson/nestjs/package.json'))
  const folder = join(dirname(fileURLToPath(url)), 'node_modules', '.built', 'nestjs')
  rmSync(folder, { recursive: true, force: true })
  for (const name of ['dist', 'package.json']) cpSync(join(source, name), join(folder, name), { recursive: true })
  return async (format) => {
    const entry = (name: string): Promise<unknown> => {
      const file = join(folder, 'dist', `${name}.${format === 'CommonJS' ? 'cjs' : 'js'}`)
      return format === 'CommonJS' ? Promise.resolve(load(file)) : import(pathToFileURL(file).href)
    }
    return {
      damson: (await entry('index')) as Built['damson'],
      terminus: (await entry('terminus/index')) as Built['terminus'],
      testing: (await entry('testing/index')) as Built['testing'],
    }
  }
}
