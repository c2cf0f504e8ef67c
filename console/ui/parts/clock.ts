import { ref } from 'vue';

/** The time of the page, a second coarse; one timer for all countdowns. */
export const now = ref(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
