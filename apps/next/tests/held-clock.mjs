// Loaded before Next: the shop finds this clock beside the globals, and the test that started it says what time it is.
let now = Number(process.env.SHOP_CLOCK_AT)
globalThis[Symbol.for('shop.clock')] = { now: () => now }

process.on('message', (at) => {
  now = at
  process.send(at)
})
// Listening must not keep the process from ending.
process.channel.unref()
