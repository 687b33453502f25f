import { AngleTool, BidirectionalTool, CircleROITool, CobbAngleTool, EllipticalROITool, LengthTool, RectangleROITool } from '@cornerstonejs/tools'
import { type MarkKind } from '@/api/marks'
import { type Point2 } from '@/dicom/geometry'
import { type MarkTool } from '../viewport/types'

/** A kind of mark between the drawing library and what is kept. */
interface Kind {
  name: MarkTool & MarkKind
  tool: { toolName: string }
  /** How many points the library holds. */
  handles: number
  /** The library's points as the kept ones, and back. */
  keep: (handles: readonly Point2[]) => Point2[]
  draw: (points: readonly Point2[]) => Point2[]
}

const same = (points: readonly Point2[]): Point2[] => [...points]

function corners(points: readonly Point2[]): Point2[] {
  const [a = [0, 0], b = [0, 0]] = points
  return [a, [b[0], a[1]], [a[0], b[1]], b]
}

export const KINDS: readonly Kind[] = [
  { name: 'length', tool: LengthTool, handles: 2, keep: same, draw: same },
  { name: 'angle', tool: AngleTool, handles: 3, keep: same, draw: same },
  { name: 'cobb', tool: CobbAngleTool, handles: 4, keep: same, draw: same },
  { name: 'bidirectional', tool: BidirectionalTool, handles: 4, keep: same, draw: same },
  { name: 'ellipse', tool: EllipticalROITool, handles: 4, keep: same, draw: same },
  { name: 'circle', tool: CircleROITool, handles: 2, keep: same, draw: same },
  // The library holds four corners, of which the first and the last are opposite.
  { name: 'rectangle', tool: RectangleROITool, handles: 4, keep: (points) => [points[0] ?? [0, 0], points[3] ?? [0, 0]], draw: corners },
]

export const kindOfTool = (toolName: string): Kind | undefined => KINDS.find(({ tool }) => tool.toolName === toolName)
export const kindOf = (name: MarkKind): Kind | undefined => KINDS.find((kind) => kind.name === name)
