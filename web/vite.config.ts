import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vitest/config'

// The development server forwards everything that is not a page to a running `heliograph serve`.
const server = process.env['HELIOGRAPH_URL'] ?? 'http://127.0.0.1:8080'

/** Writes a compressed copy beside what shrinks; the server gives it to whoever accepts it. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle(options, bundle) {
    for (const file of Object.values(bundle)) {
      const bytes = Buffer.from(file.type === 'chunk' ? file.code : file.source)
      if (!/\.(js|css|wasm|svg)$/.test(file.fileName) || bytes.length < 2048) continue
      writeFileSync(join(options.dir ?? '', `${file.fileName}.gz`), gzipSync(bytes, { level: 9 }))
    }
  },
}

export default defineConfig({
  base: '/',
  plugins: [react(), compressed],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  worker: { format: 'es' },
  build: {
    outDir: '../src/heliograph/gateways/ui/static',
    emptyOutDir: true,
    target: 'es2023',
    chunkSizeWarningLimit: 6000,
    // Inlined files would be data: addresses, which the content security policy refuses for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api/stream': { target: server, ws: true },
      '/api': { target: server },
      '/dicom-web': { target: server },
    },
  },
  test: { include: ['tests/**/*.test.ts', 'src/**/*.test.ts'], environment: 'node' },
})
