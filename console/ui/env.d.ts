declare module '*.vue' {
  import type { DefineComponent } from 'vue';
  const component: DefineComponent<Record<string, never>, Record<string, never>, unknown>;
  export default component;
}
declare module '*.css';
declare module 'element-plus/es/locale/lang/*' {
  import type { Language } from 'element-plus/es/locale';
  const language: Language;
  export default language;
}
