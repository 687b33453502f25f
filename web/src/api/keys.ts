/** Query keys: the first word is what a stream message invalidates. */
export const keys = {
  session: ['session'],
  studies: ['studies'],
  study: (id: string) => ['study', id],
  manifest: (id: string) => ['study', id, 'manifest'],
  devices: ['devices'],
  wantsIn: ['devices', 'wants-in'],
  nodes: ['nodes'],
  sends: ['sends'],
  rules: ['rules'],
  quarantine: ['quarantine'],
  jobs: ['jobs'],
  alarms: ['alarms'],
  users: ['users'],
  tokens: ['tokens'],
  settings: ['settings'],
  about: ['about'],
} as const
