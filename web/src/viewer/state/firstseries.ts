import { type SeriesRow } from '@/api/types'

const WITHOUT_PICTURES = new Set(['SR', 'PR', 'KO', 'DOC', 'RTSTRUCT', 'RTPLAN', 'RTRECORD', 'REG', 'FID', 'RWV', 'ANN', 'SEG', 'AU', 'PLAN'])

/** Made of slices, or computed from them: a few of them are a localizer, a screen or a map, not what the study was made for. */
const SLICED = new Set(['CT', 'MR', 'PT', 'OT'])

/** The series to begin with: the first that is made of pictures, localizers left aside when there is more. */
export function firstRow(series: readonly SeriesRow[]): SeriesRow | undefined {
  const pictures = series.filter((row) => !WITHOUT_PICTURES.has(row.modality) && row.frame_count > 0)
  return pictures.find((row) => !SLICED.has(row.modality) || row.frame_count > 3) ?? pictures[0] ?? series[0]
}
