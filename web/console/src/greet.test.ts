import { expect, it } from 'vitest'
import { greet } from './greet'

it('greets', () => expect(greet()).toBe('关系 Guanxi'))
