import { writeFileSync } from 'node:fs';
import { ruleSchema } from './schema.js';

// Run from the root of the project after a change of contracts/rule.ts or of the buffers.
writeFileSync('rules/rule.schema.json', ruleSchema());
