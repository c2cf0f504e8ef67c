import { shallowRef } from 'vue';
import type { Page, UserName } from '../../model/api.js';
import { api, listOf } from './client.js';
import { onAnotherUser } from './session.js';

/** People to whom an incident can be given. */
export const assignees = shallowRef<UserName[]>([]);

onAnotherUser(() => (assignees.value = []));

export async function loadAssignees(): Promise<void> {
  assignees.value = listOf(await api.get<UserName[] | Page<UserName>>('/api/assignees').catch(() => []));
}
