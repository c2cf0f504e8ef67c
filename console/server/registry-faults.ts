import type { Fault } from '../model/api.js';

/** The checks of `runtime/registry.ts` and `runtime/registry-csv.ts` in Chinese; what is not here shows as it is. */
const CHINESE: [RegExp, string][] = [
  [/"([^"]+)" is not an address range; write .*/, '“$1”不是地址段，应写作 10.1.0.0/16、10.1.2.3 或 2001:db8::/32'],
  [/^(unit|system|zone) "(.+)" is there twice$/, '$1“$2”重复出现'],
  [/^unit "(.+)": there is no unit "(.+)"$/, '单位“$1”：没有上级单位“$2”'],
  [/^system "(.+)": there is no unit "(.+)"$/, '系统“$1”：没有单位“$2”'],
  [/^the range (.+) belongs to "(.+)" and "(.+)"$/, '地址段 $1 同时属于“$2”和“$3”'],
  [/"([^"]+)" is not a date; write .*/, '“$1”不是日期，应写作 2026-12-31'],
  [/^unknown column "(.+)"; known: (.*)$/, '未知的列“$1”，可用：$2'],
  [/^the column "(.+)" is missing$/, '缺少列“$1”'],
  [/^(\d+) fields under (\d+) columns; .*/, '表头 $2 列而此行 $1 列，含逗号的内容须加引号'],
  [/^the field "unit" is empty$/, 'unit 列为空'],
  [/^kind "(.+)" is not province, city or department$/, 'kind“$1”应为 province、city 或 department'],
  [/^level "(.+)" is not 1 to 5$/, 'level“$1”应为 1 至 5'],
  [/^value "(.+)" is not low, normal, high or core$/, 'value“$1”应为 low、normal、high 或 core'],
  [/unknown key "(.+?)"; (.*)/, '未知的键“$1”（$2）'],
  [/the key "(.+?)" is missing/, '缺少键“$1”'],
  [/expected (.+), found (.+)/, '应为 $1，实为 $2'],
];
const OWNERS: [RegExp, string][] = [[/^system "(.+?)": /, '系统“$1”：'], [/^zone "(.+?)": /, '区域“$1”：'], [/^allowance of (.+?): /, '$1 的许可：'], [/^home: /, '本方地址：']];
const WORDS: Record<string, string> = { unit: '单位', system: '系统', zone: '区域' };

function chinese(text: string): string {
  for (const [pattern, to] of CHINESE) {
    const m = pattern.exec(text);
    if (!m) continue;
    const said = m[0].replace(pattern, to).replace(/^(unit|system|zone)(?=“)/, (w) => WORDS[w]);
    let before = text.slice(0, m.index);
    for (const [owner, zh] of OWNERS) before = before.replace(owner, zh);
    return before + said;
  }
  return text;
}

/** The faults of a refused registry: `name:line[:column]: text`, one a line, as a list in the reader's language. */
export function faultsOf(message: string, lang: 'zh' | 'en'): Fault[] {
  return message.split('\n').flatMap((line) => {
    const m = /^\S*?:(\d+)(?::\d+)?: (.+)$/.exec(line.trim());
    if (!m) return [];
    return [{ line: Number(m[1]), text: lang === 'zh' ? chinese(m[2]) : m[2] }];
  });
}
