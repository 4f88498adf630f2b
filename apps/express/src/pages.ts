import { CATALOGUE, CURRENCY, priceOf, type Product } from './catalogue.ts'
import type { Customer } from './customers.ts'

const money = new Intl.NumberFormat('en-IE', { style: 'currency', currency: CURRENCY })

export function shopPage(customer: Customer, notice: string | null): string {
  const { name, cart } = customer
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>The damson shop</title>
  <link rel="stylesheet" href="/style.css">
  <script type="module" src="/damson/beacon.js"></script>
  <script type="module" src="/panel.js"></script>
</head>
<body>
  <header>
    <h1>The damson shop</h1>
    ${name === null ? signInForm() : `<form method="post" action="/sign-out">Hello, <b>${escape(name)}</b> <button>Sign out</button></form>`}
  </header>
  ${notice === null ? '' : `<p class="notice" role="status">${escape(notice)}</p>`}
  <main>
    <section class="goods">${CATALOGUE.map(card).join('')}</section>
    <aside>
      ${cartBox(cart)}
      <section class="box" id="session" aria-live="polite">
        <h2>Your session</h2>
        <dl>
          <dt>Who</dt><dd data-of="who">–</dd>
          <dt>Phase</dt><dd data-of="phase">–</dd>
          <dt>Looked at</dt><dd data-of="active">–</dd>
          <dt>Sessions</dt><dd data-of="sessions">–</dd>
          <dt>Spent</dt><dd data-of="spent">–</dd>
        </dl>
        <ol data-of="events"></ol>
        <p>Hide this tab for a while: the clock stops.</p>
      </section>
    </aside>
  </main>
</body>
</html>`
}

function signInForm(): string {
  return `<form method="post" action="/sign-in"><input name="name" placeholder="Your name" aria-label="Your name" required maxlength="40"> <button>Sign in</button></form>`
}

function card({ id, name, line, price, colours }: Product): string {
  return `<article>
    <svg viewBox="0 0 120 90" role="img" aria-label="${escape(name)}"><defs><linearGradient id="${id}" x2="1" y2="1"><stop stop-color="${colours[0]}"/><stop offset="1" stop-color="${colours[1]}"/></linearGradient></defs><rect width="120" height="90" fill="url(#${id})"/><circle cx="52" cy="50" r="20" fill="#fff" opacity=".22"/><circle cx="70" cy="44" r="14" fill="#fff" opacity=".3"/><path d="M60 30q8-14 22-14" stroke="#fff" stroke-opacity=".6" fill="none" stroke-width="2"/></svg>
    <h2>${escape(name)}</h2>
    <p>${escape(line)}</p>
    <form method="post" action="/cart"><b>${money.format(price)}</b><button name="product" value="${id}">Add</button></form>
  </article>`
}

function cartBox(cart: readonly Product[]): string {
  if (cart.length === 0) return '<section class="box"><h2>Cart</h2><p>Nothing in it yet.</p></section>'
  const lines = cart.map(({ name, price }) => `<li>${escape(name)} <span>${money.format(price)}</span></li>`).join('')
  return `<section class="box"><h2>Cart</h2><ul>${lines}</ul>
    <form method="post" action="/buy"><b>${money.format(priceOf(cart))}</b><button>Buy</button></form></section>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
