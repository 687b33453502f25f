import { request } from './client'

export const GLASS_REASONS = ['emergency', 'direct_care', 'consultation', 'quality', 'other'] as const
export type GlassReason = (typeof GLASS_REASONS)[number]

export interface Glass {
  id: string
  expires_at: string
}

/** Opens the withheld studies of a patient to oneself; somebody reviews it. */
export const breakGlass = (body: { patient: string; reason_code: GlassReason; reason: string }): Promise<Glass> =>
  request('POST', '/api/glass', body)
