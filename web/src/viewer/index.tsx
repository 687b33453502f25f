/** The reading workspace of one study. */
export default function StudyViewer({ studyId }: { studyId: string }) {
  return <main data-study={studyId} />
}
