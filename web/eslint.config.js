import js from '@eslint/js'
import reactHooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import tseslint from 'typescript-eslint'

/** Rooms of the client, outermost first: a room may import only what stands to its right. `api` stands beside `viewer`. */
const ROOMS = ['app', 'features', 'viewer', 'api', 'dicom', 'locales', 'kit']

/** Forbids importing `rooms` by alias or by a path that climbs out of the room. */
const forbid = (rooms, message) => ({
  regex: `^(@/|(\\.\\./)+)(${rooms.join('|')})(/|$)`,
  message,
})

const room = (name, forbidden) => ({
  files: [`src/${name}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [forbid(forbidden, `${name} must not import ${forbidden.join(', ')}: imports point from app towards kit.`)] },
    ],
  },
})

const FEATURES = ['signin', 'worklist', 'devices', 'nodes', 'sending', 'quarantine', 'jobs', 'alarms', 'where', 'users', 'about', 'trust']

const feature = (name) => ({
  files: [`src/features/${name}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          forbid(['app', 'viewer'], 'a feature must not import the shell or the viewer.'),
          { regex: `^@/features/(?!${name}(/|$))|^\\.\\./(?!\\.)`, message: 'features do not import one another.' },
        ],
      },
    ],
  },
})

export default tseslint.config(
  { ignores: ['node_modules', 'dist', 'coverage'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      globals: { ...globals.browser },
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] }, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      // The virtual list of a million rows hands out functions that the compiler rules cannot follow.
      'react-hooks/incompatible-library': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidOperator: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 600, skipComments: true }],
      'no-restricted-globals': [
        'error',
        { name: 'fetch', message: 'only src/api talks to the server' },
        { name: 'XMLHttpRequest', message: 'only src/api talks to the server' },
        { name: 'WebSocket', message: 'only src/api talks to the server' },
      ],
    },
  },
  { files: ['src/api/**/*.ts'], rules: { 'no-restricted-globals': 'off' } },
  { files: ['eslint.config.js'], ...tseslint.configs.disableTypeChecked },
  room('kit', ROOMS.filter((name) => name !== 'kit')),
  room('dicom', ['app', 'features', 'viewer', 'api', 'locales']),
  room('locales', ['app', 'features', 'viewer', 'api', 'dicom']),
  room('api', ['app', 'features', 'viewer', 'locales']),
  room('viewer', ['app', 'features']),
  ...FEATURES.map(feature),
)
