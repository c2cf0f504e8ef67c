import { ref, watchEffect } from 'vue';

const KEY = 'shouwang.theme';
const stored = localStorage.getItem(KEY);
export const dark = ref(stored ? stored === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches);

watchEffect(() => document.documentElement.classList.toggle('dark', dark.value));

export function toggleTheme(): void {
  dark.value = !dark.value;
  localStorage.setItem(KEY, dark.value ? 'dark' : 'light');
}
