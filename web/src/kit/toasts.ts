import { create } from 'zustand'

export interface Toast {
  id: number
  tone: 'ok' | 'warning' | 'critical'
  text: string
  action?: { text: string; run: () => void }
}

interface ToastStore {
  toasts: Toast[]
  show: (toast: Omit<Toast, 'id'>) => void
  close: (id: number) => void
}

let last = 0
const STAYS_MS = 8000

export const useToasts = create<ToastStore>((set) => ({
  toasts: [],
  show: (toast) => {
    last += 1
    const id = last
    set((state) => ({ toasts: [...state.toasts.slice(-3), { ...toast, id }] }))
    // A failure stays until somebody has read it.
    if (toast.tone !== 'critical') {
      setTimeout(() => set((state) => ({ toasts: state.toasts.filter((item) => item.id !== id) })), STAYS_MS)
    }
  },
  close: (id) => set((state) => ({ toasts: state.toasts.filter((item) => item.id !== id) })),
}))

export function notify(tone: Toast['tone'], text: string, action?: Toast['action']): void {
  useToasts.getState().show(action === undefined ? { tone, text } : { tone, text, action })
}
