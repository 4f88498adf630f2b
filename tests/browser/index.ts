export { CHROMIUM, hasChromium, startChromium, type Chromium, type Tab } from './chromium.ts'
export { arrived, isSettled, navigation } from './navigation.ts'
export { shopVisits, type VisitedShop } from './shop-visits.ts'
