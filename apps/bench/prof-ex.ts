import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createVisitors } from '@damson/core/web'
import { openSink } from './src/client/sink.ts'
import { fireVolley } from './src/generator.ts'
const [name, secs='4'] = process.argv.slice(2)
const sink = await openSink()
const child = fork('src/express/target.ts', [name!, sink.origin, 'roomy'], { execArgv: ['--import','tsx', ...(process.env.PROF?['--cpu-prof','--cpu-prof-dir=/tmp/prof','--cpu-prof-interval=200']:[])], env:{...process.env,NODE_ENV:'production'} })
const [{port}] = await once(child,'message') as any
const visitors = createVisitors({ secrets: ['a secret of thirty-two characters'] })
const shots = await Promise.all(Array.from({ length: 500 }, async (_, index) => {
  const cookie = (await visitors.cookieFor({ ...visitors.issue(), hasSignedIn: true })).split(';', 1)[0] ?? ''
  return { method: 'GET' as const, path: `/items/${index % 50}`, headers: { 'x-user': `user-${index}`, cookie } }
}))
const fire=(seconds:number)=>fireVolley({origin:`http://127.0.0.1:${port}`,connections:32,seconds,shots})
await fire(3)
child.send('account'); await once(child,'message')
const out:string[]=[]; let n=0
for(let i=0;i<3;i++){ const r=await fire(+secs); n+=r.requests; child.send('account'); const [a]=await once(child,'message') as any; out.push(`${r.requestsPerSecond.toFixed(0)}/s ${(a.cpuMicroseconds/r.requests).toFixed(0)}us`) }
console.log(name, out.join(' | '), n)
child.send('stop'); sink.close(); await once(child,'exit')
process.exit(0)
