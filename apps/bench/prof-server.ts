import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import autocannon from 'autocannon'
import { trackBodies, multiBodies } from './src/server/bodies.ts'
const kind = process.argv[2]!, what = process.argv[3] ?? 'track', secs = +(process.argv[4] ?? 5)
const folder = mkdtempSync('/tmp/damson-prof-')
const child = fork('src/server/target.ts', [kind, folder], { execArgv: ['--max-semi-space-size=64','--no-allocation-site-pretenuring','--import','tsx', ...(process.env.COUNT?['--import','/tmp/prof/count.mjs']:[]), ...(process.env.PROF?['--cpu-prof','--cpu-prof-dir=/tmp/prof','--cpu-prof-interval=250']:[])] })
const port:number = await new Promise(r=>child.once('message',(m:any)=>r(m.port)))
import { readFileSync, readdirSync } from 'node:fs'
const ns=(t:string)=>+readFileSync(`/proc/${child.pid}/task/${t}/schedstat`,'utf8').split(' ')[0]!
const usage=async():Promise<any>=>{let all=0;for(const t of readdirSync(`/proc/${child.pid}/task`))all+=ns(t);return {microseconds:all/1000,main:ns(String(child.pid))/1000}}
const connections= what==='multi'?8:64
const bodies = what==='multi'?multiBodies():trackBodies()
let k=0
const go=(duration:number)=>autocannon({url:`http://127.0.0.1:${port}/api`,method:'POST',headers:{'content-type':'application/json'},connections,duration,setupClient:(c:any)=>{const own=k++%connections;c.setRequests(bodies.filter((_,i)=>i%connections===own).map(body=>({body})))}})
await go(4)
const rates:string[]=[]
for(let i=0;i<(process.env.N?+process.env.N:1);i++){const a=await usage();const r=await go(secs);const b=await usage();rates.push(`${r.requests.average.toFixed(0)}/s cpu ${((b.microseconds-a.microseconds)/r.requests.total).toFixed(1)}${b.main?` main ${((b.main-a.main)/r.requests.total).toFixed(1)}`:''}`)}
console.log(kind,what,rates.join(' | '))
child.send('stop'); await new Promise(r=>child.once('exit',r)); rmSync(folder,{recursive:true,force:true}); process.exit(0)
