import type { Registry as RegistryData } from '../contracts/registry.js';
import { coded } from './errors.js';

export const registryErrors = {
  invalid: coded('SW_REGISTRY_INVALID', (list: string) => `Not a valid assets registry:\n${list}\n`, 'Correct the lines above.'),
} as const;

/** Faults told at once. */
const FAULTS_MAX = 12;
const COLUMNS = ['unit', 'unit_zh', 'unit_en', 'parent', 'kind', 'contact', 'system', 'system_zh', 'system_en', 'ranges', 'domains', 'level', 'filing', 'value'] as const;
type Column = (typeof COLUMNS)[number];

/** Fields of one CSV text (RFC 4180: quotes, doubled quotes, line breaks within quotes), with the line each row begins on. */
function csvRows(text: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let begun = 1;
  const end = () => { cells.push(cell.trim()); if (cells.some((c) => c !== '')) rows.push({ line: begun, cells }); cells = []; cell = ''; };
  const source = text.replace(/^\uFEFF/, '');
  for (let i = 0; i < source.length; i++) {
    const c = source[i];
    if (c === '\n') line++;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (source[i + 1] === '"') { cell += '"'; i++; } else quoted = false;
    } else if (c === '"' && cell.trim() === '') { quoted = true; cell = ''; } else if (c === ',') { cells.push(cell.trim()); cell = ''; } else if (c === '\n') { end(); begun = line; } else if (c !== '\r') cell += c;
  }
  end();
  return rows;
}

/** One row a system (or a unit without one); a unit is described by its first row. Lists are separated by `;`. */
export function parseCsv(text: string, name: string): RegistryData {
  const [header, ...rows] = csvRows(text);
  const faults: string[] = [];
  const columns = (header?.cells ?? []).map((c) => c.toLowerCase());
  for (const c of columns) if (!(COLUMNS as readonly string[]).includes(c)) faults.push(`${name}:${header?.line ?? 1}: unknown column "${c}"; known: ${COLUMNS.join(', ')}`);
  if (!columns.includes('unit')) faults.push(`${name}:1: the column "unit" is missing`);
  const units = new Map<string, RegistryData['units'][number]>();
  const systems: RegistryData['systems'] = [];
  const list = (cell: string) => cell.split(/[;；\s]+/).filter((x) => x !== '');
  for (const { line, cells } of faults.length > 0 ? [] : rows) {
    const get = (c: Column) => cells[columns.indexOf(c)] ?? '';
    if (cells.length > columns.length) faults.push(`${name}:${line}: ${cells.length} fields under ${columns.length} columns; quote fields that contain a comma`);
    const id = get('unit');
    if (id === '') { faults.push(`${name}:${line}: the field "unit" is empty`); continue; }
    const optional = <K extends string, V>(key: K, value: V | undefined) => (value === undefined || value === '' ? {} : { [key]: value }) as Partial<Record<K, V>>;
    if (!units.has(id)) {
      units.set(id, { id, zh: get('unit_zh') || id, en: get('unit_en') || id, ...optional('parent', get('parent')), ...optional('kind', get('kind') as 'city'), ...optional('contact', get('contact')) });
    }
    if (get('kind') !== '' && !/^(province|city|department)$/.test(get('kind'))) faults.push(`${name}:${line}: kind "${get('kind')}" is not province, city or department`);
    const system = get('system');
    if (system === '') continue;
    const level = get('level');
    if (level !== '' && !/^[1-5]$/.test(level)) faults.push(`${name}:${line}: level "${level}" is not 1 to 5`);
    if (get('value') !== '' && !/^(low|normal|high|core)$/.test(get('value'))) faults.push(`${name}:${line}: value "${get('value')}" is not low, normal, high or core`);
    systems.push({
      id: system, zh: get('system_zh') || system, en: get('system_en') || system, unit: id, ranges: list(get('ranges')),
      ...(get('domains') === '' ? {} : { domains: list(get('domains')) }), ...optional('level', level === '' ? undefined : Number(level)),
      ...optional('filing', get('filing')), ...optional('value', get('value') as 'core'),
    });
  }
  if (faults.length > 0) throw registryErrors.invalid(faults.slice(0, FAULTS_MAX).join('\n'));
  return { units: [...units.values()], systems };
}
