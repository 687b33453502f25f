/** Twelve hues far from red and amber (which mean trouble) and from purple (which means AI), kept apart in lightness too. */
const COLOURS = [
  '#4fb3bf',
  '#5f93e8',
  '#7fb069',
  '#3fa77d',
  '#8fa3d9',
  '#b5b35c',
  '#56a3d6',
  '#6fc0a8',
  '#9bb8a0',
  '#7d9fb8',
  '#98c379',
  '#4d8fb0',
] as const

/** The one colour by which a patient is recognised in list, viewer and report; the same on every screen and day. */
export function identityColour(patientId: string): string {
  let hash = 2166136261
  for (const character of patientId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619)
  return COLOURS[(hash >>> 0) % COLOURS.length] ?? COLOURS[0]
}
