import { ActionIcon, Button, Checkbox, createTheme, defaultVariantColorsResolver, Input, InputBase, Menu, Modal, Popover, Select, Switch } from '@mantine/core'

const still = { transitionProps: { duration: 120, timingFunction: 'ease-out' } }

/** Mantine with our measures: dense, 4 px corners, no page locking (its helper writes style tags, which the policy forbids). */
export const theme = createTheme({
  primaryColor: 'blue',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // Light accents need dark words and dark accents light ones: the token knows which.
  variantColorResolver: (input) => {
    const colors = defaultVariantColorsResolver(input)
    return input.variant === 'filled' ? { ...colors, color: 'var(--hg-on-accent)' } : colors
  },
  components: {
    Button: Button.extend({ defaultProps: { size: 'xs', variant: 'default' } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { size: 28, variant: 'subtle', color: 'gray' } }),
    Input: Input.extend({ defaultProps: { size: 'xs' } }),
    InputBase: InputBase.extend({ defaultProps: { size: 'xs' } }),
    InputWrapper: Input.Wrapper.extend({ defaultProps: { size: 'xs' } }),
    Select: Select.extend({ defaultProps: { size: 'xs', checkIconPosition: 'right', comboboxProps: still } }),
    Checkbox: Checkbox.extend({ defaultProps: { size: 'sm' } }),
    Switch: Switch.extend({ defaultProps: { size: 'sm', withThumbIndicator: false } }),
    Menu: Menu.extend({ defaultProps: { shadow: 'md', ...still } }),
    Popover: Popover.extend({ defaultProps: { shadow: 'md', ...still } }),
    Modal: Modal.extend({ defaultProps: { lockScroll: false, ...still } }),
  },
})
