export { registerRestore as register } from './backup.js';
