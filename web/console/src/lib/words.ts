// How the codes of the server are called. An unknown code stands for itself.
import { t } from './i18n'

type Pair = [zh: string, en: string]
const words: Record<string, Record<string, Pair>> = {
  entry: {
    earn: ['获取', 'Earned'], grant: ['发放', 'Granted'], spend: ['消耗', 'Spent'], expire: ['过期', 'Expired'], clawback: ['退款扣回', 'Taken back'], restore: ['退回', 'Given back'],
    adjust: ['调账', 'Adjusted'], reversal: ['冲正', 'Reversed'], transfer: ['转赠', 'Transferred'], merge: ['合并', 'Merged'], unmerge: ['拆分', 'Un-merged'], seize: ['没收', 'Confiscated'], mature: ['提前生效', 'Can be used now'],
  },
  member: { active: ['正常', 'Active'], frozen: ['已冻结', 'Frozen'], blacklisted: ['黑名单', 'Blacklisted'], cancelled: ['已注销', 'Closed'] },
  order: { paid: ['已支付', 'Paid'], partially_refunded: ['部分退款', 'Partly refunded'], refunded: ['已退款', 'Refunded'], closed: ['已完结', 'Closed'] },
  rule: { draft: ['草稿', 'Draft'], published: ['已发布', 'Published'], retired: ['已下线', 'Retired'], in_force: ['生效中', 'In force'], scheduled: ['待生效', 'Scheduled'] },
  approval: { waiting: ['待复核', 'Waiting'], approved: ['已同意', 'Approved'], refused: ['已拒绝', 'Refused'], expired: ['已过期', 'Expired'], executed: ['已执行', 'Done'] },
  operator: { active: ['启用', 'Active'], blocked: ['停用', 'Blocked'] },
  store: { open: ['营业', 'Open'], closed: ['停业', 'Closed'] },
  terminal: { active: ['启用', 'Active'], stopped: ['停用', 'Stopped'] },
  campaign: { in_force: ['进行中', 'Running'], scheduled: ['未开始', 'Scheduled'], draft: ['草稿', 'Draft'], over: ['已结束', 'Over'] },
  hold: { open: ['占用中', 'Open'], posted: ['已扣减', 'Posted'], voided: ['已释放', 'Released'], expired: ['已过期', 'Expired'], checkout: ['下单预占', 'Checkout'], freeze: ['冻结', 'Freeze'] },
  job: { ready: ['待执行', 'Due'], running: ['执行中', 'Running'], dead: ['失败', 'Dead'], done: ['已完成', 'Done'], failed: ['失败', 'Failed'] },
  tier: {
    join: ['入会', 'Joined'], upgrade: ['升级', 'Upgraded'], kept: ['保级成功', 'Kept'], not_kept: ['未达保级', 'Not kept'], refund: ['退款重算', 'After a refund'], manual: ['手工授予', 'Given by hand'],
    benefits_back: ['权益恢复', 'Benefits are back'], manual_ended: ['手工等级到期', 'Manual tier ended'], merge: ['合并', 'Merged'], unmerge: ['拆分', 'Un-merged'],
  },
  payment: { new: ['待支付', 'Not yet paid'], paid: ['已支付', 'Paid'], closed: ['已关闭', 'Closed'] },
  payback: { asked: ['待退款', 'Asked for'], underway: ['退款中', 'Under way'], done: ['已到账', 'Arrived'], failed: ['已关闭', 'Failed'], abnormal: ['异常', 'Abnormal'] },
  incident: {
    amount: ['金额不符', 'Another amount'], app: ['应用不符', 'Another app'], merchant: ['商户不符', 'Another merchant'], unknown: ['无此订单', 'Nobody asked for it'], unknown_app: ['未知应用', 'Unknown app'], forged: ['验签失败', 'Forged'],
    transaction: ['重复支付', 'Paid twice'], order: ['订单无法记账', 'Order not booked'], refund: ['退款无法记账', 'Refund not booked'], not_in_bill: ['账单无此笔', 'Not in the bill'], refund_failed: ['退款失败', 'Refund failed'], card: ['会员卡冲突', 'Card clash'],
  },
  role: { system_admin: ['系统管理员', 'System administrator'], security_admin: ['安全管理员', 'Security administrator'], auditor: ['审计员', 'Auditor'], operator: ['运营', 'Operator'], finance: ['财务', 'Finance'], customer_service: ['客服', 'Customer service'], store_manager: ['店长', 'Store manager'] },
  file: { uploading: ['上传中', 'Uploading'], ready: ['待导入', 'Ready'], running: ['导入中', 'Running'], done: ['已导入', 'Taken in'] },
  refund: { waiting: ['等待原单', 'Waits for its order'], review: ['人工核对', 'To review'] },
  class: { 1: ['消费积分', 'Consumption'], 2: ['活动积分', 'Campaign'], 3: ['奖励积分', 'Reward'] },
  asset: { points: ['积分', 'Points'], growth: ['成长值', 'Growth'] },
  identity: { phone: ['手机号', 'Phone'], email: ['邮箱', 'E-mail'], card: ['卡号', 'Card'], openid: ['OpenID', 'OpenID'], unionid: ['UnionID', 'UnionID'], external: ['外部编号', 'External number'] },
  gender: { female: ['女', 'Female'], male: ['男', 'Male'], other: ['其他', 'Other'] },
  channel: { online: ['线上', 'Online'], store: ['门店', 'Store'], pos: ['门店收银', 'Till'], mini: ['小程序', 'Mini program'], mini_program: ['小程序', 'Mini program'], import: ['导入', 'Import'], wxpay: ['支付即会员', 'By paying'], 'wechat-pay': ['微信支付', 'WeChat Pay'], 'wechat-oa': ['公众号', 'Official account'], 'wechat-mp': ['微信小程序', 'WeChat mini program'], 'wechat-card': ['微信会员卡', 'WeChat card'], wecom: ['企业微信', 'WeCom'] },
  field: {
    member: ['会员', 'Member'], points: ['积分', 'Points'], class: ['积分种类', 'Class'], amount: ['数额', 'Amount'], asset: ['资产', 'Asset'], hold: ['冻结记录', 'The freeze'], operator: ['员工', 'Operator'], role: ['角色', 'Role'], store: ['门店', 'Store'], brand: ['品牌', 'Brand'], region: ['区域', 'Region'],
    partner: ['合作方', 'Partner'], name: ['名称', 'Name'], scopes: ['权限', 'Scopes'], status: ['状态', 'Status'], rule: ['规则', 'Rule'], campaign: ['活动', 'Campaign'], version: ['版本', 'Version'], kind: ['种类', 'Kind'], at: ['时间', 'At'], from: ['自', 'From'], until: ['至', 'Until'], rate: ['汇率', 'Rate'],
    list: ['列表', 'List'], format: ['格式', 'Format'], rows: ['行数', 'Rows'], clear: ['个人信息明文', 'Personal fields in clear'], owner: ['申请人', 'For'], lang: ['语言', 'Language'],
  },
  on: { 'order.paid': ['订单支付', 'Order paid'], 'member.profile_completed': ['完善资料', 'Profile completed'], 'member.joined': ['入会', 'Joining'] },
  over: { clip: ['超出部分不给', 'Give what is left'], reject: ['整笔不给', 'Give nothing'] },
}

/** Words of a family in the order they are defined: options of a filter. */
export const family = (name: string) => Object.keys(words[name])
export function word(name: string, code: string | number | undefined) {
  if (code === undefined || code === '') return '—'
  const pair = words[name]?.[code]
  return pair ? t(pair[0], pair[1]) : String(code)
}

/** Who did something: what nobody did stands as the system's. */
export const person = (name?: string) => (!name ? '—' : name.startsWith('system:') ? t('系统', 'System') : name === 'import' ? t('导入', 'Import') : name)

/** The colour of a state. */
export function tone(name: string, code: string): 'good' | 'warn' | 'bad' | 'info' | 'plain' {
  const tones: Record<string, Record<string, 'good' | 'warn' | 'bad' | 'info' | 'plain'>> = {
    member: { active: 'good', frozen: 'warn', blacklisted: 'bad', cancelled: 'plain' },
    order: { paid: 'good', partially_refunded: 'warn', refunded: 'plain', closed: 'plain' },
    rule: { in_force: 'good', scheduled: 'info', draft: 'warn', published: 'info', retired: 'plain' },
    approval: { waiting: 'warn', approved: 'good', executed: 'good', refused: 'bad', expired: 'plain' },
    operator: { active: 'good', blocked: 'bad' },
    store: { open: 'good', closed: 'plain' },
    terminal: { active: 'good', stopped: 'plain' },
    campaign: { in_force: 'good', scheduled: 'info', draft: 'warn', over: 'plain' },
    hold: { open: 'warn', posted: 'plain', voided: 'good', expired: 'plain' },
    job: { ready: 'info', running: 'info', dead: 'bad', done: 'good', failed: 'bad' },
    file: { uploading: 'warn', ready: 'warn', running: 'info', done: 'good' },
    refund: { waiting: 'warn', review: 'bad' },
    payment: { new: 'info', paid: 'good', closed: 'plain' },
    payback: { asked: 'info', underway: 'info', done: 'good', failed: 'bad', abnormal: 'bad' },
  }
  return tones[name]?.[code] || 'plain'
}
