import { computed, reactive, watch } from 'vue';
import type { LoginForm, Permission, SessionView, SetupForm } from '../../model/api.js';
import { api, setCsrf } from './client.js';

/** Who is at the console. `view` is undefined until the server was asked for the first time. */
export const session = reactive<{ view: SessionView | undefined }>({ view: undefined });

function take(view: SessionView): SessionView {
  session.view = view;
  setCsrf(view.csrf);
  return view;
}

export const loadSession = async () => take(await api.get<SessionView>('/api/session'));
export const login = async (form: LoginForm) => take(await api.post<SessionView>('/api/login', form));
export const setup = async (form: SetupForm) => take(await api.post<SessionView>('/api/setup', form));

export async function logout(): Promise<void> {
  await api.post('/api/logout');
  session.view = undefined;
  await loadSession();
}

export const user = computed(() => session.view?.user);
export function can(permission: Permission): boolean {
  return session.view?.permissions.includes(permission) ?? false;
}

/** Calls back when somebody else sits at the console: what one person was shown is not kept for the next. */
export function onAnotherUser(forget: () => void): void {
  watch(() => session.view?.user?.id, (now, before) => before !== undefined && now !== before && forget(), { flush: 'sync' });
}
