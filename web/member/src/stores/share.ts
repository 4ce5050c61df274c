// Sharing: a card that leads to the home page and says that its reader came by a friend, and from which page.
import { onShareAppMessage } from '@dcloudio/uni-app'
import { t } from '@/i18n'
// #ifndef MP-WEIXIN
import { shareLink } from '@/platform'
// #endif
import { theme } from '@/stores/theme'
import { tracker } from '@/track'

const query = (from: string) => `ch=share&src=${from}`
const title = () => t('share.title', { name: theme.value.name || t('centre') })

/** Lets WeChat's own menu share a page of the mini program; called in the page's setup. */
export function shareable(from: string) {
  onShareAppMessage(() => {
    tracker.share(from)
    return { title: title(), path: `/pages/home/home?${query(from)}` }
  })
}

// #ifndef MP-WEIXIN
/** The browser's way: its own sheet, else the link is copied. Gives whether it was copied. */
export async function shareByLink(from: string): Promise<boolean> {
  tracker.share(from)
  return shareLink(title(), '?' + query(from))
}
// #endif
