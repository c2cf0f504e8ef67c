import { createApp } from 'vue';
import './styles/element.js';
import './styles/theme.css';
import './theme.js';
import App from './app.vue';
import { i18n } from './i18n/index.js';
import { router } from './router.js';

createApp(App).use(i18n).use(router).mount('#app');
