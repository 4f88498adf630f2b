import { startBeacon } from './index.ts'

// The script of `<script type="module" src="/damson/beacon.js">`: its messages go to its own address without the ending.
startBeacon({ endpoint: new URL(import.meta.url).pathname.replace(/\.js$/, '') })
