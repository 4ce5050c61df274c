import { axe, expect, open, shot, test } from './harness.mjs'

export default async function () {
  await test('the console opens', async () => {
    const page = await open({ at: '/console/' })
    await page.getByRole('heading', { name: '关系 Guanxi' }).waitFor()
    expect((await page.title()) === '关系 Guanxi', 'no title')
    await axe(page)
    await shot(page, 'console')
  })
}
