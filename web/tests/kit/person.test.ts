import { describe, expect, it } from 'vitest'
import { formatPersonName } from '@/kit/format/person'

describe('person names', () => {
  it.each([
    ['Doe^Jane', 'Doe, Jane'],
    ['Doe^Jane^Mary^Dr.^MD', 'Doe, Jane Mary (Dr., MD)'],
    ['Doe', 'Doe'],
    ['^Jane', 'Jane'],
    ['^^^Prof.', 'Prof.'],
    [' Doe ^ Jane ', 'Doe, Jane'],
    ['^^^^', ''],
    ['', ''],
    [null, ''],
    [undefined, ''],
  ])('%j reads %j', (sent, shown) => {
    expect(formatPersonName(sent)).toBe(shown)
  })

  it('shows the alphabetic group first to readers of alphabets and keeps the ideographs beside it', () => {
    expect(formatPersonName('Yamada^Tarou=山田^太郎=やまだ^たろう', 'en')).toBe('Yamada, Tarou (山田 太郎)')
  })

  it('shows ideographs first to those who read them', () => {
    expect(formatPersonName('Wang^XiaoDong=王^小东=', 'zh')).toBe('王 小东 (Wang, XiaoDong)')
  })

  it('shows a lone group in any language', () => {
    expect(formatPersonName('=山田^太郎', 'de')).toBe('山田 太郎')
    expect(formatPersonName('==やまだ^たろう', 'en')).toBe('やまだ たろう')
  })
})
