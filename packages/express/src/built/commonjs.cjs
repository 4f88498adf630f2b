const { openShop } = require('./shop.cjs')

async function main() {
  await openShop({
    express: require(process.argv[2]),
    core: require('@damson/core'),
    damson: require('@damson/express'),
    other: await import('@damson/express'),
    server: require('@damson/server'),
    node: require('@damson/server/node'),
  })
}

void main()
