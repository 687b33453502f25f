import { ActionIcon, Menu, Modal } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { IconCheck, IconKey, IconLanguage, IconLock, IconLogout, IconShieldLock, IconUser } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useSession } from '@/api/access'
import { keys } from '@/api/keys'
import { leavingTo, lock, signOut } from '@/api/session'
import { PasswordForm } from '@/features/signin/PasswordForm'
import { forgetPatients } from '@/kit/identity'
import { Tip } from '@/kit/Tip'
import { notify } from '@/kit/toasts'
import { LANGUAGES, switchLanguage } from '@/locales'

export function UserMenu() {
  const { t, i18n } = useTranslation()
  const { user, site, session } = useSession()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [changing, password] = useDisclosure(false)
  const leave = async (): Promise<void> => {
    forgetPatients()
    await signOut().catch(() => undefined)
    client.clear()
    location.assign(leavingTo(session.way))
  }
  return (
    <>
      <Menu position="bottom-end" width={240}>
        <Menu.Target>
          <Tip label={user.display_name}>
            <ActionIcon aria-label={t('user.menu', { name: user.display_name })}>
              <IconUser size={16} />
            </ActionIcon>
          </Tip>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <bdi>{user.display_name}</bdi> · <bdi>{site.name}</bdi>
          </Menu.Label>
          {session.kind === 'person' && (
            <>
              <Menu.Item leftSection={<IconLock size={14} />} onClick={() => void lock().then((locked) => client.setQueryData(keys.session, locked))}>
                {t('user.lock')}
              </Menu.Item>
              <Menu.Item leftSection={<IconShieldLock size={14} />} onClick={() => void navigate('/account')}>
                {t('user.security')}
              </Menu.Item>
              <Menu.Item leftSection={<IconKey size={14} />} onClick={password.open}>
                {t('user.change_password')}
              </Menu.Item>
            </>
          )}
          <Menu.Divider />
          <Menu.Label>
            <IconLanguage size={12} aria-hidden /> {t('user.language')}
          </Menu.Label>
          {LANGUAGES.map((language) => (
            <Menu.Item
              key={language.code}
              role="menuitemradio"
              aria-checked={i18n.language === language.code}
              lang={language.code}
              rightSection={i18n.language === language.code ? <IconCheck size={14} /> : null}
              onClick={() => void switchLanguage(language.code)}
            >
              {language.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout size={14} />} onClick={() => void leave()}>
            {t('user.sign_out')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={changing} onClose={password.close} title={t('user.change_password')} size="sm">
        <PasswordForm
          current
          onDone={() => {
            password.close()
            notify('ok', t('password.changed'))
            void client.invalidateQueries({ queryKey: keys.session })
          }}
        />
      </Modal>
    </>
  )
}
