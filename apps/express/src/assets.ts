export const STYLE = `
:root { color-scheme: light; --ink: #2b1b30; --soft: #75657a; --line: #e9dfe8; --plum: #6d2f66; font: 16px/1.5 system-ui, sans-serif }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem; color: var(--ink); background: #fbf8fb }
header, article form, .box form { display: flex; align-items: center; justify-content: space-between; gap: 1rem }
h1 { font: 600 1.9rem/1.2 Georgia, serif; margin: 0 }
h2 { font-size: 1.02rem; margin: 0 0 .2rem }
main { display: grid; grid-template-columns: 1fr 17rem; gap: 1.5rem; margin-top: 1.5rem }
.goods { display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: 1rem; align-content: start }
article, .box { background: #fff; border: 1px solid var(--line); border-radius: .8rem; overflow: hidden }
article { display: flex; flex-direction: column } article svg { display: block; width: 100% }
article h2 { margin: .8rem .9rem 0 } article p { margin: 0 .9rem; color: var(--soft); font-size: .9rem } article form { margin-top: auto; padding: .7rem .9rem .9rem }
.box { padding: 1rem; margin-bottom: 1rem } .box p { margin: .5rem 0 0; color: var(--soft); font-size: .85rem }
.box ul, .box ol { list-style: none; margin: .3rem 0 .8rem; padding: 0; font-size: .9rem } .box li { display: flex; justify-content: space-between }
dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem 1rem; margin: 0; font-size: .9rem } dt { color: var(--soft) } dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
ol[data-of=events] { border-top: 1px solid var(--line); margin-top: .6rem; padding-top: .5rem }
button { font: inherit; color: #fff; background: var(--plum); border: 0; border-radius: .5rem; padding: .35rem .8rem; cursor: pointer } button:hover { background: #54204f }
input { font: inherit; padding: .3rem .6rem; border: 1px solid var(--line); border-radius: .5rem; width: 10rem }
.notice { background: #f1e4ef; border-radius: .5rem; padding: .5rem .9rem; margin: 1rem 0 0 }
@media (max-width: 46rem) { main { grid-template-columns: 1fr } header { flex-wrap: wrap } }
`

/** Asks how the session stands, twice a second while somebody looks. The request is one that the shop ignores. */
export const PANEL = `
const show = (name, value) => { document.querySelector('#session [data-of=' + name + ']').textContent = value }
const clock = (ms) => Math.floor(ms / 60000) + ':' + String(Math.floor(ms / 1000) % 60).padStart(2, '0')
async function refresh() {
  if (document.visibilityState !== 'visible') return
  const response = await fetch('/session').catch(() => null)
  if (!response?.ok) return
  const { who, phase, activeMs, facts } = await response.json()
  show('who', who)
  show('phase', phase)
  show('active', clock(activeMs))
  show('sessions', facts?.sessions ?? 'asked of the server')
  show('spent', facts ? facts.spent.toFixed(2) + ' EUR' : 'asked of the server')
  const events = document.querySelector('[data-of=events]')
  events.replaceChildren(...(facts?.events ?? []).map(({ name, count }) => {
    const line = document.createElement('li')
    line.append(name, Object.assign(document.createElement('span'), { textContent: '× ' + count }))
    return line
  }))
}
refresh()
setInterval(refresh, 500)
`
