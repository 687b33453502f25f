/** Everything that needs the drawing library: loaded on its own, while the study's first answers are on their way. */
export { startEngine } from './engine'
export { StackPane } from './pane'
export { forgetFrames } from '../pixels/imageloader'
export { ReadingTools } from '../tools/toolgroup'
export { registerPane, unregisterPane } from '../tools/registry'
export { setMeasureWords } from '../tools/measure'
export { drawBody, drawnBodies, isDrawn, listMarks, notByHand, onMarks, removeMark, type Mark } from '../tools/marks'
