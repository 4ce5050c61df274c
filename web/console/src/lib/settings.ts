// Settings that are a page of their own and nothing more: what they are called, where they are, and who may change them.
type Pair = [zh: string, en: string]
type Path = '/settings/messages' | '/settings/message-templates' | '/settings/agreements' | '/settings/privacy' | '/settings/tracking'

export const settingPages: { name: string; path: Path; edit: string; title: Pair; lead: Pair }[] = [
  { name: 'messages', path: '/settings/messages', edit: 'send.messages', title: ['消息策略', 'Messages'], lead: ['免打扰时段、每人上限、哪些积分变动告知会员。', 'Quiet hours, limits a member, which changes of points are told.'] },
  { name: 'message-templates', path: '/settings/message-templates', edit: 'send.messages', title: ['消息模板', 'Message templates'], lead: ['每个场景的中英文内容与发送渠道。', 'What is said on each occasion, in both languages, and by which channels.'] },
  { name: 'agreements', path: '/settings/agreements', edit: 'edit.settings', title: ['会员协议与隐私政策', 'Terms and privacy policy'], lead: ['每次修改成为新版本；会员同意的是哪一版都有记录。', 'Each change is a new version; which one a member agreed to is kept.'] },
  { name: 'privacy', path: '/settings/privacy', edit: 'edit.settings', title: ['隐私', 'Privacy'], lead: ['注销冷静期与数据副本保留多久。', 'How long closing can be thought over, and a copy of the data is kept.'] },
  { name: 'tracking', path: '/settings/tracking', edit: 'edit.settings', title: ['行为采集', 'Behaviour'], lead: ['会员中心的页面与点击；只采集会员同意的。', 'Pages and clicks of the member centre; only of who has agreed.'] },
]
