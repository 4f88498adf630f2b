import { fork, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync, readFileSync, readdirSync } from 'node:fs'
import { trackBodies, multiBodies } from './src/server/bodies.ts'
const what = process.argv[2] ?? 'track', secs = process.argv[3] ?? '3', rounds=+(process.argv[4]??'3')
writeFileSync('/tmp/prof/bodies.txt', (what==='multi'?multiBodies():trackBodies()).join('\n')+'\n')
const conns= what==='multi'?'8':'64'
const kinds=['bare','memory','sqlite']
const t:any={}
for(const kind of kinds){ const folder=mkdtempSync('/tmp/damson-prof-'); const child=fork('src/server/target.ts',[kind,folder],{execArgv:['--max-semi-space-size=64','--no-allocation-site-pretenuring','--import','tsx']}); const port=await new Promise<number>(r=>child.once('message',(m:any)=>r(m.port))); t[kind]={child,port,folder,rates:[]} }
const ns=(pid:number,x:string)=>+readFileSync(`/proc/${pid}/task/${x}/schedstat`,'utf8').split(' ')[0]!
const usage=(pid:number)=>{let all=0;for(const x of readdirSync(`/proc/${pid}/task`))all+=ns(pid,x);return {all:all/1000,main:ns(pid,String(pid))/1000}}
for(let r=0;r<=rounds;r++) for(const kind of kinds){ const {child,port,rates}=t[kind]; const a=usage(child.pid!); const out=execFileSync('wrk',['-t1','-c',conns,'-d',(r===0?'5':secs)+'s','--latency','-s','/tmp/prof/post.lua',`http://127.0.0.1:${port}/api`,'--','/tmp/prof/bodies.txt'],{encoding:'utf8'}); const b=usage(child.pid!); const n=+/(\d+) requests in/.exec(out)![1]!; const rate=+/Requests\/sec:\s+([\d.]+)/.exec(out)![1]!; if(/Non-2xx/.test(out))console.log(out); console.log(r,kind,rate.toFixed(0),'cpu',((b.all-a.all)/n).toFixed(1),'main',((b.main-a.main)/n).toFixed(1),/99%\s+(\S+)/.exec(out)![1]); if(r)rates.push(rate)}
const ratios=t.sqlite.rates.map((x:number,i:number)=>x/t.bare.rates[i]).sort(); const rm=t.memory.rates.map((x:number,i:number)=>x/t.bare.rates[i]).sort()
console.log('sqlite/bare',ratios.map((x:number)=>x.toFixed(2)).join(' '),'memory/bare',rm.map((x:number)=>x.toFixed(2)).join(' '))
for(const k of kinds){t[k].child.send('stop');rmSync(t[k].folder,{recursive:true,force:true})}
process.exit(0)
