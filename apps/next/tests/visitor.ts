/** What a browser sends when its user opens a page. */
const DOCUMENT = { accept: 'text/html', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' }
/** What Next's router sends: for a page it moves to, and for one it fetches ahead. */
const ROUTER = { accept: '*/*', rsc: '1', 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }
const AHEAD = { ...ROUTER, 'next-router-prefetch': '1' }
const OWN_SCRIPT = { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' }

type Extra = Readonly<Record<string, string>>

/** A browser without a screen: it keeps cookies, follows no redirect, and runs no script. */
export function createVisitor(url: string) {
  const cookies = new Map<string, string>()

  async function send(path: string, init: RequestInit & { readonly headers: Extra }): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = cookie === '' ? init.headers : { cookie, ...init.headers }
    const response = await fetch(url + path, { redirect: 'manual', ...init, headers })
    for (const line of response.headers.getSetCookie()) keep(line)
    return response
  }

  function keep(line: string): void {
    const [pair = ''] = line.split(';')
    const name = pair.slice(0, pair.indexOf('='))
    if (/Expires=Thu, 01 Jan 1970|Max-Age=0/i.test(line)) cookies.delete(name)
    else cookies.set(name, pair.slice(name.length + 1))
  }

  /** The router adds a digest of its headers; Next redirects whoever has it wrong to the right one. */
  async function route(path: string, headers: Extra): Promise<Response> {
    const response = await send(`${path}?_rsc=wrong`, { headers })
    const right = response.headers.get('location')
    return right === null ? response : send(right, { headers })
  }

  return {
    cookies,
    open: (path: string, extra: Extra = {}) => send(path, { headers: { ...DOCUMENT, ...extra } }),
    /** The router moves to a page it had not fetched in full. */
    move: (path: string) => route(path, ROUTER),
    prefetch: (path: string) => route(path, AHEAD),
    /** A message of the page's own script to the beacon. */
    beacon: (message: object | string, extra: Extra = OWN_SCRIPT) =>
      send('/damson/beacon', {
        method: 'POST',
        body: typeof message === 'string' ? message : JSON.stringify(message),
        headers: extra,
      }),
    /** Opens a page and sends its form as a browser without scripts does: the hidden fields name the Server Action. */
    async submit(path: string, fields: Extra = {}): Promise<Response> {
      const page = await (await send(path, { headers: { ...DOCUMENT, purpose: 'prefetch' } })).text()
      const body = new FormData()
      for (const [, name = '', value = ''] of page.matchAll(
        /<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g,
      ))
        body.append(name.replaceAll('&quot;', '"'), value.replaceAll('&quot;', '"'))
      for (const [name, value] of Object.entries(fields)) body.append(name, value)
      const origin = { ...DOCUMENT, origin: url, 'sec-fetch-site': 'same-origin' }
      return send(path, { method: 'POST', body, headers: origin })
    },
    async device(): Promise<string> {
      const told = (await (await send('/session', { headers: OWN_SCRIPT })).json()) as { device: string | null }
      if (told.device === null) throw new Error('the app does not know this visitor')
      return told.device
    },
  }
}
