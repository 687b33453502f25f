import { useQuery } from '@tanstack/react-query'
import { request, upload, type UploadProgress } from './client'
import { keys } from './keys'
import { type StudyDetail, type StudyManifest, type StudyPage, type StudyQuery, type UploadResult, type WhereAnswer } from './types'

export const searchStudies = (query: StudyQuery, signal?: AbortSignal): Promise<StudyPage> =>
  request('POST', '/api/studies/search', query, signal)

export const readStudy = (id: string, signal?: AbortSignal): Promise<StudyDetail> =>
  request('GET', `/api/studies/${encodeURIComponent(id)}`, undefined, signal)

export const readManifest = (id: string, signal?: AbortSignal): Promise<StudyManifest> =>
  request('GET', `/api/studies/${encodeURIComponent(id)}/manifest`, undefined, signal)

export function useStudy(id: string | null) {
  return useQuery({
    queryKey: keys.study(id ?? ''),
    queryFn: ({ signal }) => readStudy(id ?? '', signal),
    enabled: id !== null,
  })
}

export function useManifest(id: string | null) {
  return useQuery({
    queryKey: keys.manifest(id ?? ''),
    queryFn: ({ signal }) => readManifest(id ?? '', signal),
    enabled: id !== null,
  })
}

export const uploadFiles = (
  files: readonly { name: string; file: Blob }[],
  onProgress: (progress: UploadProgress) => void,
  signal?: AbortSignal,
): Promise<UploadResult> => upload('/api/uploads', files, onProgress, signal)

export const whereIs = (text: string, signal?: AbortSignal): Promise<{ answers: WhereAnswer[] }> =>
  request('POST', '/api/where', { text }, signal)
