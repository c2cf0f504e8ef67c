import { onMounted, onUnmounted } from 'vue';

/**
 * Single-key commands of a page. Keys typed into fields, with modifiers, or while a dialog is open are not commands.
 * The handler returns true when it used the key.
 */
export function useKeys(handler: (key: string, event: KeyboardEvent) => boolean, capture = false): void {
  const listen = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target as HTMLElement | null;
    if (target?.closest('input, textarea, select, [contenteditable], [role="dialog"], .el-select__popper')) return;
    if (document.querySelector('.el-overlay:not([style*="display: none"])')) return;
    const pressable = target?.closest('button, a[href], summary');
    if (pressable && (event.key === 'Enter' || event.key === ' ')) return;
    if (handler(event.key, event)) event.preventDefault();
  };
  onMounted(() => document.addEventListener('keydown', listen, capture));
  onUnmounted(() => document.removeEventListener('keydown', listen, capture));
}
