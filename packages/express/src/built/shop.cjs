// A shop as somebody would write it who installed what we publish: plain Node, no TypeScript, no bundler. Told by its two
// entries in which format they loaded our packages.
const { once } = require('node:events')

const SECRET = 'a secret of thirty-two characters'

exports.openShop = async function openShop({ express, core, damson: ours, other, server: engine, node }) {
  const { damson, errorTracking, getSession, getTracker, gracefulShutdown, logout } = ours
  const keys = { production: ['prod'], dataExport: ['export'] }
  const server = engine.createServer({
    store: engine.memoryStore(),
    apps: [{ appId: 'app', name: 'Shop', keys }],
  })
  const client = core.createClient({ appId: 'app', clientKey: 'prod', fetch: server.fetch })
  await server.start()

  const app = express()
  app.use('/api', node.toNodeListener(server))
  app.get('/early', (request, response) => response.send(getTracker(request).userId))
  app.use(damson(client, { secrets: [SECRET], trackRequests: true, identify: (request) => request.get('x-user') }))
  app.use(express.json())
  app.get('/', (_request, response) => response.send('<h1>Shop</h1>'))
  app.post('/buy', async (request, response) => {
    await getTracker(request).track('Purchase', { item: request.body.item }, { value: 9.5 })
    // A library may have loaded the other format: the request is known to both.
    await other.getTracker(request).track('Seen by the other format')
    await client.flush()
    response.json({ phase: getSession(request)?.phase, same: other.getTracker(request).userId })
  })
  app.get('/fails', () => {
    throw new TypeError('what a person typed')
  })
  app.get('/bye', async (request, response) => {
    await logout(request)
    await client.flush()
    response.send('bye')
  })
  app.use(errorTracking(client))
  // Express knows an error handler by its four parameters.
  app.use(async (error, _request, response, _next) => {
    await client.flush()
    response.status(500).send(`${error.name}: ${error.message}`)
  })

  const http = app.listen(0, '127.0.0.1')
  await once(http, 'listening')
  gracefulShutdown(http, client, { close: () => process.send({ closed: client.stats() }) })
  process.send({ port: http.address().port })
}
