import { CLASS_NAMES } from '../../contracts/classes.js';
import { RuleDocument } from '../../contracts/rule.js';
import { BUFFER_NAMES } from './buffers.js';

/** The JSON Schema of a rule for editors, as kept in rules/rule.schema.json. */
export function ruleSchema(): string {
  const schema = JSON.parse(JSON.stringify(RuleDocument)) as Record<string, unknown>;
  let condition: Record<string, unknown> | undefined;
  // TypeBox repeats the recursive condition wherever it is used; an editor wants it once, by a local reference.
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const object = value as Record<string, unknown>;
    if (object['$id'] === 'Condition') {
      if (!condition) {
        condition = {};
        const { $id: _id, additionalProperties, ...rest } = object;
        const own = visit(rest) as Record<string, unknown>;
        const tests = visit(additionalProperties);
        const buffers = Object.fromEntries(BUFFER_NAMES.map((name) => [name, { $ref: '#/$defs/tests' }]));
        condition = { ...own, properties: { ...(own['properties'] as object), ...buffers }, additionalProperties: false };
        definitions['tests'] = tests;
      }
      return { $ref: '#/$defs/condition' };
    }
    if (object['$ref'] === 'Condition') return { $ref: '#/$defs/condition' };
    return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, visit(v)]));
  };
  const definitions: Record<string, unknown> = {};
  const root = visit(schema) as Record<string, unknown>;
  delete root['$id'];
  (root['properties'] as Record<string, unknown>)['class'] = { type: 'string', enum: CLASS_NAMES };
  definitions['condition'] = condition;
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', title: 'Shouwang rule', ...root, $defs: definitions }, null, 1)}\n`;
}
