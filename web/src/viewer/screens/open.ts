/** A screen as the Window Management API tells it. */
interface Screen {
  availLeft: number
  availTop: number
  availWidth: number
  availHeight: number
}

interface ScreenDetails {
  screens: readonly Screen[]
  currentScreen: Screen
}

type Teller = Window & { getScreenDetails?: () => Promise<ScreenDetails> }

/** `screens`: one window on each other screen; `plain`: the browser tells of none, so one window beside; `blocked`: none came. */
export type Opened = 'screens' | 'plain' | 'blocked'

async function otherScreens(): Promise<readonly Screen[]> {
  const ask = (window as Teller).getScreenDetails
  if (ask === undefined) return []
  try {
    const { screens, currentScreen } = await ask.call(window)
    return screens.filter((screen) => screen !== currentScreen)
  } catch {
    // The person has said no: a plain window is opened, and can be moved by hand.
    return []
  }
}

const placed = ({ availLeft, availTop, availWidth, availHeight }: Screen): string =>
  `popup,left=${availLeft},top=${availTop},width=${availWidth},height=${availHeight}`

/** Opens this case on every other screen in one go. */
export async function openScreens(studyId: string, desk: string): Promise<Opened> {
  const screens = await otherScreens()
  const address = (number: number): string => `/study/${studyId}?beside=${number}&desk=${desk}`
  if (screens.length === 0) return window.open(address(1), `heliograph-${desk}-1`, 'popup,width=1200,height=900') === null ? 'blocked' : 'plain'
  const opened = screens.map((screen, index) => window.open(address(index + 1), `heliograph-${desk}-${index + 1}`, placed(screen)))
  return opened.every((one) => one === null) ? 'blocked' : 'screens'
}
