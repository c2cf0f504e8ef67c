import { ref, type Ref } from 'vue';
import { t } from '../i18n/index.js';
import { explain, type Said } from './failure.js';

/** What a form that sets a password holds: the password, once more, what went wrong, and whether it is on its way. */
export interface PasswordForm { password: Ref<string>; again: Ref<string>; said: Ref<Said | undefined>; busy: Ref<boolean>; clear: () => void; submit: () => Promise<void> }

/** @param save sends the password; what it throws is shown. Two that differ are never sent. */
export function usePasswordForm(save: (password: string) => Promise<void>): PasswordForm {
  const [password, again, said, busy] = [ref(''), ref(''), ref<Said>(), ref(false)];
  return {
    password, again, said, busy,
    clear() {
      password.value = again.value = '';
      said.value = undefined;
    },
    async submit() {
      if (busy.value) return;
      if (password.value !== again.value) {
        said.value = { code: '', message: t('access.mismatch') };
        return;
      }
      busy.value = true;
      said.value = undefined;
      try {
        await save(password.value);
      } catch (cause) {
        said.value = explain(cause);
      } finally {
        busy.value = false;
      }
    },
  };
}
