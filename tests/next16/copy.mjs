// The app of ../next15, copied so that it finds this folder's Next: only what guards the door has another name here.
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = (path) => fileURLToPath(new URL(path, import.meta.url))

for (const name of ['app', 'pages', 'damson.ts', 'damson-edge.ts', 'instrumentation.ts']) {
  rmSync(folder(name), { recursive: true, force: true })
  cpSync(folder(`../next15/${name}`), folder(name), { recursive: true })
}
