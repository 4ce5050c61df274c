import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { can, canAny, enter, mustSetUp, session } from './lib/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** The permissions of which one is needed; without it the page is for everybody who is signed in. */
    need?: string[]
    open?: boolean
  }
}

export const routes: RouteRecordRaw[] = [
  { path: '/sign-in', component: () => import('./pages/SignIn.vue'), meta: { open: true } },
  { path: '/', component: () => import('./pages/Overview.vue') },
  { path: '/welcome', component: () => import('./pages/Welcome.vue') },
  { path: '/members', component: () => import('./pages/Members.vue'), meta: { need: ['view.members'] } },
  { path: '/members/:id', component: () => import('./pages/member/Member.vue'), meta: { need: ['view.members'] }, props: true },
  { path: '/suspects', component: () => import('./pages/Suspects.vue'), meta: { need: ['merge.members'] } },
  { path: '/merges', component: () => import('./pages/Merge.vue'), meta: { need: ['merge.members'] } },
  { path: '/orders', component: () => import('./pages/Orders.vue'), meta: { need: ['view.orders'] } },
  { path: '/orders/:source/:no', component: () => import('./pages/Order.vue'), meta: { need: ['view.orders'] }, props: true },
  { path: '/rules', component: () => import('./pages/Rules.vue'), meta: { need: ['view.rules'] } },
  { path: '/rules/new', component: () => import('./pages/rule/Edit.vue'), meta: { need: ['edit.rules'] } },
  { path: '/rules/:id', component: () => import('./pages/rule/Rule.vue'), meta: { need: ['view.rules'] }, props: true },
  { path: '/rules/:id/edit/:version?', component: () => import('./pages/rule/Edit.vue'), meta: { need: ['edit.rules'] }, props: true },
  { path: '/campaigns', component: () => import('./pages/Campaigns.vue'), meta: { need: ['view.campaigns'] } },
  { path: '/campaigns/new', component: () => import('./pages/campaign/Edit.vue'), meta: { need: ['edit.campaigns'] } },
  { path: '/campaigns/:id', component: () => import('./pages/campaign/Campaign.vue'), meta: { need: ['view.campaigns'] }, props: true },
  { path: '/campaigns/:id/edit/:version?', component: () => import('./pages/campaign/Edit.vue'), meta: { need: ['edit.campaigns'] }, props: true },
  { path: '/tiers', component: () => import('./pages/Tiers.vue'), meta: { need: ['view.rules', 'view.reports'] } },
  { path: '/links', component: () => import('./pages/Links.vue'), meta: { need: ['view.campaigns'] } },
  { path: '/points', component: () => import('./pages/Points.vue'), meta: { need: ['view.settings', 'view.reports', 'view.points'] } },
  { path: '/approvals', component: () => import('./pages/Approvals.vue') },
  { path: '/log', component: () => import('./pages/Log.vue'), meta: { need: ['view.log', 'verify.log'] } },
  { path: '/staff', component: () => import('./pages/Staff.vue'), meta: { need: ['view.operators'] } },
  { path: '/staff/:id', component: () => import('./pages/Operator.vue'), meta: { need: ['view.operators'] }, props: true },
  { path: '/stores', component: () => import('./pages/Stores.vue'), meta: { need: ['view.shops'] } },
  { path: '/terminals', component: () => import('./pages/Terminals.vue'), meta: { need: ['view.shops'] } },
  { path: '/partners', component: () => import('./pages/Partners.vue'), meta: { need: ['view.partners'] } },
  { path: '/exports', component: () => import('./pages/Exports.vue') },
  { path: '/imports', component: () => import('./pages/Imports.vue'), meta: { need: ['view.orders'] } },
  { path: '/jobs', component: () => import('./pages/Jobs.vue'), meta: { need: ['view.jobs'] } },
  { path: '/settings', component: () => import('./pages/Settings.vue'), meta: { need: ['view.settings'] } },
  { path: '/settings/channels', component: () => import('./pages/Channels.vue'), meta: { need: ['view.settings'] } },
  { path: '/settings/theme', component: () => import('./pages/Theme.vue'), meta: { need: ['view.settings'] } },
  { path: '/settings/:name', component: () => import('./pages/SettingPage.vue'), meta: { need: ['view.settings'] }, props: true },
  { path: '/payments', component: () => import('./pages/Payments.vue'), meta: { need: ['view.orders'] } },
  { path: '/account', component: () => import('./pages/Account.vue') },
  { path: '/:rest(.*)*', component: () => import('./pages/Missing.vue') },
]

export const router = createRouter({
  history: createWebHistory('/console/'),
  routes,
  scrollBehavior: (to, from, saved) => (to.path === from.path ? undefined : saved || { top: 0 }),
})

router.beforeEach(async (to) => {
  if (!session.known) {
    try {
      await enter()
    } catch {
      // the server can't be reached: the sign-in page says so
    }
  }
  if (!session.me && !to.meta.open) return { path: '/sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath }, hash: to.hash }
  if (session.me && to.path === '/sign-in') return '/'
  if (session.me && mustSetUp() && to.path !== '/account') return '/account'
  return true
})

/** Whether the one who is signed in may see a page. */
export const maySee = (path: string) => {
  const need = router.resolve(path).meta.need
  return !need || canAny(...need)
}
export { can }
