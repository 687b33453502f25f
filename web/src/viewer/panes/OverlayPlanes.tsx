import { useEffect, useState } from 'react'
import { overlayBits, overlayPlanes, type OverlayPlane } from '@/dicom/overlayplane'
import { binaryOf } from '../pixels/binary'
import { type Picture } from '../pixels/picture'
import { type Viewport } from '../viewport/types'
import css from './Pane.module.css'

interface Drawn {
  key: string
  plane: OverlayPlane
  url: string
}

/** The set bits as a picture: white where they are, nothing where they are not. */
function paint(bits: Uint8Array, { rows, columns }: OverlayPlane): string {
  const canvas = document.createElement('canvas')
  canvas.width = columns
  canvas.height = rows
  const context = canvas.getContext('2d')
  if (context === null) return ''
  const image = context.createImageData(columns, rows)
  new Uint32Array(image.data.buffer).set(Uint32Array.from(bits, (bit) => (bit === 1 ? 0xffffffff : 0)))
  context.putImageData(image, 0, 0)
  return canvas.toDataURL()
}

async function bitsOf(plane: OverlayPlane, { frame, embedded }: Picture): Promise<Uint8Array | undefined> {
  if (plane.data === undefined) return embedded.find((item) => item.plane.bit === plane.bit)?.bits
  const data = await binaryOf(plane.data)
  return data instanceof Uint8Array ? overlayBits(plane, data, frame.number) : undefined
}

async function draw(picture: Picture): Promise<Drawn[]> {
  const drawn = await Promise.all(
    overlayPlanes(picture.frame.attributes).map(async (plane, index): Promise<Drawn | undefined> => {
      const bits = await bitsOf(plane, picture)
      return bits === undefined ? undefined : { key: `${picture.frame.url}#${index}`, plane, url: paint(bits, plane) }
    }),
  )
  return drawn.filter((item) => item !== undefined)
}

/** Graphics that the object brings along in overlay planes, laid over its picture pixel by pixel. */
export function OverlayPlanes({ viewport, picture }: { viewport: Viewport; picture: Picture }) {
  const [shown, setShown] = useState<{ picture: Picture; drawn: Drawn[] }>()
  useEffect(() => {
    let gone = false
    if (overlayPlanes(picture.frame.attributes).length === 0) return undefined
    draw(picture).then(
      (drawn) => {
        if (!gone) setShown({ picture, drawn })
      },
      () => undefined,
    )
    return () => {
      gone = true
    }
  }, [picture])
  if (shown?.picture !== picture) return null
  const [origin, right, down] = [viewport.pointOf([0, 0]), viewport.pointOf([1, 0]), viewport.pointOf([0, 1])]
  if (origin === undefined || right === undefined || down === undefined) return null
  const matrix = [right[0] - origin[0], right[1] - origin[1], down[0] - origin[0], down[1] - origin[1], origin[0], origin[1]]
  return (
    <svg className={css['lines']} aria-hidden data-testid="overlay-planes">
      <g transform={`matrix(${matrix.join(' ')})`}>
        {shown.drawn.map(({ key, plane, url }) => (
          <image key={key} href={url} x={plane.origin[0] - 0.5} y={plane.origin[1] - 0.5} width={plane.columns} height={plane.rows} className={css['plane']} />
        ))}
      </g>
    </svg>
  )
}
