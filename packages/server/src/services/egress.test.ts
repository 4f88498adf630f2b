import { DamsonError } from '@damson/core'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEgress } from './egress.ts'
import type { EgressOptions } from './egress.ts'

interface Listener {
  readonly port: number
  readonly requests: string[]
  close(): Promise<void>
}

const hello: RequestListener = (_request, response) => response.end('hello')

async function listen(answer: RequestListener = hello, host?: string, port = 0): Promise<Listener> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.headers.host}${request.url}`)
    answer(request, response)
  })
  await new Promise<void>((done) => server.listen({ port, host }, done))
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => {
          done()
        })
      }),
  }
}

async function withListener(answer: RequestListener, use: (listener: Listener) => Promise<void>) {
  const listener = await listen(answer)
  try {
    await use(listener)
  } finally {
    await listener.close()
  }
}

const inside: EgressOptions = { allowHttp: true, allowPrivateDestinations: ['loopback'] }
const codeOf = async (call: Promise<unknown>) =>
  call.then(
    () => 'answered',
    (error: unknown) => (DamsonError.isInstance(error) ? error.code : error),
  )

/** Ways to say "this machine", or to get there through a name, a tunnel, a mapping or a confused parser. */
const SPELLINGS = `
  127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 0 0.0.0.0 0.0 00.0.0.0
  2130706433 017700000001 0x7f000001 0x7F.0x0.0x0.0x1 0177.0.0.1 0177.0.0.01 0x7f.1 0x7f.0.1 127.0.0.0x1
  127.0.0.1. 127.1. 2130706433. 0x7f000001. 4294967295 0xffffffff 0b1111111.0.0.1
  ①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 127%2e0%2e0%2e1 %31%32%37.0.0.1 127.0.0.1%00 127.0.0.1%20
  [::1] [::] [0:0:0:0:0:0:0:1] [0000:0000::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001]
  [0:0:0:0:0:ffff:7f00:1] [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1]
  [2002:7f00:1::] [2001:0:7f00:1::] [fe80::1] [fc00::1] [fd00::1] [fec0::1] [ff02::1] [::1%25lo] [fe80::1%25lo]
  [::ffff:0.0.0.0] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:168.63.129.16]
  localhost LOCALHOST localhost. loc%61lhost ⓛⓞⓒⓐⓛⓗⓞⓢⓣ sub.localhost rebind.example rebind.example.
  127.0.0.1.nip.example user@127.0.0.1 user:secret@localhost 8.8.8.8@127.0.0.1 127.0.0.1:80@localhost
  8.8.8.8%40127.0.0.1 10.0.0.1 172.16.0.1 192.168.0.1 169.254.169.254 100.64.0.1 168.63.129.16
  192.0.0.8 198.18.0.1 203.0.113.1 224.0.0.1 255.255.255.255
`
  .trim()
  .split(/\s+/)

describe('the way in is shut', () => {
  let listener: Listener
  beforeAll(async () => {
    listener = await listen()
  })
  afterAll(() => listener.close())

  test(`none of ${SPELLINGS.length} spellings reaches a listener of this machine`, async () => {
    const egress = createEgress({ allowHttp: true, resolve: async () => ['127.0.0.1'] })
    const codes = await Promise.all(SPELLINGS.map((host) => codeOf(egress(`http://${host}:${listener.port}/`))))
    expect(SPELLINGS.length).toBeGreaterThanOrEqual(60)
    expect(Object.fromEntries(SPELLINGS.map((host, index) => [host, codes[index]]))).toEqual(
      Object.fromEntries(SPELLINGS.map((host) => [host, 'EGRESS_REFUSED'])),
    )
    expect(listener.requests).toEqual([])
  })

  test('the same spellings do reach it once loopback is allowed: the matrix measures something', async () => {
    const egress = createEgress({ ...inside, resolve: async () => ['127.0.0.1'] })
    const codes = await Promise.all(SPELLINGS.map((host) => codeOf(egress(`http://${host}:${listener.port}/`))))
    expect(codes.filter((code) => code === 'answered').length).toBeGreaterThanOrEqual(30)
    expect(listener.requests.length).toBe(codes.filter((code) => code === 'answered').length)
  })

  test.each(['localhost', 'LOCALHOST'])("the machine's own resolver does not open %s", async (host) => {
    const egress = createEgress({ allowHttp: true })
    expect(await codeOf(egress(`http://${host}:${listener.port}/`))).toBe('EGRESS_REFUSED')
  })

  test.each(['file:///etc/hosts', 'ftp://8.8.8.8/', 'data:,x', 'gopher://8.8.8.8', '//8.8.8.8', 'nonsense', ''])(
    "'%s' is not a destination",
    async (url) => {
      expect(await codeOf(createEgress({ allowHttp: true })(url))).toBe('EGRESS_REFUSED')
    },
  )

  test('http is refused unless it is allowed', async () => {
    const { allowHttp: _, ...httpsOnly } = inside
    expect(await codeOf(createEgress(httpsOnly)(`http://127.0.0.1:${listener.port}/`))).toBe('EGRESS_REFUSED')
  })
})

describe('names', () => {
  test('one private answer among public ones refuses the name', async () => {
    const egress = createEgress({ allowHttp: true, resolve: async () => ['8.8.8.8', '127.0.0.1'] })
    expect(await codeOf(egress('http://mixed.example/'))).toBe('EGRESS_REFUSED')
  })

  test.each([[[]], [['nonsense']], [['::ffff:127.0.0.1']]])('answers %j open nothing', async (answers) => {
    const egress = createEgress({ allowHttp: true, resolve: async () => answers })
    expect(await codeOf(egress('http://odd.example/'))).not.toBe('answered')
  })

  test('a name that changes its mind is resolved once, and the vetted address is the one that is called', async () => {
    const vetted = await listen(hello, '127.0.0.2')
    const secret = await listen(hello, '127.0.0.1', vetted.port)
    const answers = [['127.0.0.2'], ['127.0.0.1']]
    let asked = 0
    const egress = createEgress({
      allowHttp: true,
      allowPrivateDestinations: ['127.0.0.2'],
      resolve: async () => answers[asked++] ?? [],
    })
    try {
      const response = await egress(`http://rebind.example:${vetted.port}/path?q=1`)
      expect(await response.text()).toBe('hello')
      expect(asked).toBe(1)
      expect(vetted.requests).toEqual([`GET rebind.example:${vetted.port}/path?q=1`])
      expect(secret.requests).toEqual([])
    } finally {
      await vetted.close()
      await secret.close()
    }
  })

  test('of several vetted addresses, one that answers is enough', async () => {
    const listener = await listen(hello, '127.0.0.1')
    const egress = createEgress({ ...inside, resolve: async () => ['::1', '127.0.0.1'] })
    try {
      expect(await (await egress(`http://dual.example:${listener.port}/`)).text()).toBe('hello')
    } finally {
      await listener.close()
    }
  })

  test('a name that cannot be resolved may be tried again', async () => {
    const egress = createEgress({ resolve: () => Promise.reject(new Error('ENOTFOUND')) })
    await expect(egress('https://gone.example/')).rejects.toMatchObject({ code: 'EGRESS_FAILED', isRetryable: true })
  })

  test('a resolver that never answers is given up after the time limit', async () => {
    const egress = createEgress({ timeoutMs: 20, resolve: () => new Promise(() => {}) })
    await expect(egress('https://slow.example/')).rejects.toMatchObject({ code: 'EGRESS_FAILED', isRetryable: true })
  })
})

describe('allowed ranges', () => {
  test('open exactly their addresses', async () => {
    await withListener(hello, async ({ port }) => {
      const egress = createEgress({ allowHttp: true, allowPrivateDestinations: ['127.0.0.4/31'] })
      const codes = [3, 4, 5, 6].map((last) => codeOf(egress(`http://127.0.0.${last}:${port}/`)))
      expect(await Promise.all(codes)).toEqual(['EGRESS_REFUSED', 'answered', 'answered', 'EGRESS_REFUSED'])
      expect(await codeOf(egress(`http://[::ffff:127.0.0.4]:${port}/`))).toBe('answered')
      expect(await codeOf(egress(`http://[::1]:${port}/`))).toBe('EGRESS_REFUSED')
    })
  })

  test('what is denied stays denied, and so does the Azure address', async () => {
    const egress = createEgress({
      allowHttp: true,
      allowPrivateDestinations: ['0.0.0.0/0'],
      denyDestinations: ['127.0.0.9', '8.8.8.0/24'],
    })
    for (const host of ['127.0.0.9', '8.8.8.8', '168.63.129.16', '[::ffff:a83f:8110]'])
      expect(await codeOf(egress(`http://${host}:9/`))).toBe('EGRESS_REFUSED')
  })

  test('a range that is none is refused when the module is made', () => {
    expect(() => createEgress({ allowPrivateDestinations: ['everything'] })).toThrow(/Expected a CIDR range/)
  })
})

describe('what comes back', () => {
  test('is a Response with its status, headers and body', async () => {
    const answer: RequestListener = (request, response) => {
      response.writeHead(503, { 'retry-after': '7', 'set-cookie': ['a=1', 'b=2'] })
      request.pipe(response)
    }
    await withListener(answer, async ({ port, requests }) => {
      const response = await createEgress(inside)(`http://127.0.0.1:${port}/x`, { method: 'POST', body: 'ping' })
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('7')
      expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
      expect(await response.text()).toBe('ping')
      expect(requests).toEqual([`POST 127.0.0.1:${port}/x`])
    })
  })

  test('a redirect is not followed', async () => {
    const answer: RequestListener = (_request, response) => response.writeHead(302, { location: '/secret' }).end()
    await withListener(answer, async ({ port, requests }) => {
      const response = await createEgress(inside)(`http://127.0.0.1:${port}/`)
      expect([response.status, response.headers.get('location')]).toEqual([302, '/secret'])
      expect(requests.length).toBe(1)
    })
  })

  test('whoever wants the head alone waits for no body, and lets go of the socket', async () => {
    let isCut = () => {}
    const cut = new Promise<void>((resolve) => (isCut = resolve))
    const answer: RequestListener = (_request, response) => {
      response.on('close', isCut)
      response.writeHead(202, { 'content-length': '1000000', 'x-kind': 'slow' }).write('1')
    }
    await withListener(answer, async ({ port }) => {
      const response = await createEgress(inside)(`http://127.0.0.1:${port}/`, { headOnly: true })
      expect([response.status, response.headers.get('x-kind'), response.body]).toEqual([202, 'slow', null])
      await cut
    })
  })

  test('an answer without a body has none', async () => {
    await withListener(
      (_request, response) => response.writeHead(204).end(),
      async ({ port }) => {
        expect((await createEgress(inside)(`http://127.0.0.1:${port}/`)).body).toBeNull()
      },
    )
  })

  test('a body up to the limit is read, one byte more is not', async () => {
    const answer: RequestListener = (request, response) => response.end('x'.repeat(Number(request.url?.slice(1))))
    await withListener(answer, async ({ port }) => {
      const egress = createEgress({ ...inside, maxBytes: 1000 })
      expect((await (await egress(`http://127.0.0.1:${port}/1000`)).text()).length).toBe(1000)
      expect(await codeOf(egress(`http://127.0.0.1:${port}/1001`))).toBe('EGRESS_TOO_LARGE')
    })
  })

  test('a body without an end is cut at the limit', async () => {
    const answer: RequestListener = (_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(16_384)));
      }
      response.on('drain', more)
      more()
    }
    await withListener(answer, async ({ port }) => {
      expect(await codeOf(createEgress(inside)(`http://127.0.0.1:${port}/`))).toBe('EGRESS_TOO_LARGE')
    })
  })

  test.each([
    ['before the head', () => {}],
    ['in the middle of the body', (_request, response) => response.write('half')],
  ] as [string, RequestListener][])('a host that hangs %s is given up after the time limit', async (_when, answer) => {
    await withListener(answer, async ({ port }) => {
      const egress = createEgress({ ...inside, timeoutMs: 50 })
      await expect(egress(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
        code: 'EGRESS_FAILED',
        isRetryable: true,
      })
    })
  })

  test('a caller can give up earlier', async () => {
    await withListener(
      () => {},
      async ({ port }) => {
        const signal = AbortSignal.abort()
        expect(await codeOf(createEgress(inside)(`http://127.0.0.1:${port}/`, { signal }))).toBe('EGRESS_FAILED')
        expect(await codeOf(createEgress(inside)(`http://localhost:${port}/`, { signal }))).toBe('EGRESS_FAILED')
      },
    )
  })

  test('a closed port and a torn connection are failures of the network', async () => {
    const { port, close } = await listen()
    await close()
    expect(await codeOf(createEgress(inside)(`http://127.0.0.1:${port}/`))).toBe('EGRESS_FAILED')
    await withListener(
      (request) => request.socket.destroy(),
      async (torn) => {
        expect(await codeOf(createEgress(inside)(`http://127.0.0.1:${torn.port}/`))).toBe('EGRESS_FAILED')
      },
    )
  })

  test('one destination gets no more sockets than it may', async () => {
    let open = 0
    let most = 0
    const answer: RequestListener = (_request, response) => {
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        response.end()
      })
    }
    await withListener(answer, async ({ port }) => {
      const egress = createEgress({ ...inside, maxSocketsPerDestination: 3 })
      await Promise.all(Array.from({ length: 30 }, () => egress(`http://127.0.0.1:${port}/`)))
      expect(most).toBeLessThanOrEqual(3)
    })
  })

  test('no message holds a path, a query or a password', async () => {
    const egress = createEgress({ allowHttp: true })
    for (const url of [
      'http://user:hush@8.8.8.8/hush',
      'http://127.0.0.1/hush?hush=hush',
      'ftp://8.8.8.8/hush',
      'hush',
    ])
      await expect(egress(url)).rejects.toSatisfy((error: Error) => !error.message.includes('hush'))
  })
})
