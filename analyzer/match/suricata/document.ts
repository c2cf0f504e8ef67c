import { CLASSES } from '../../../contracts/classes.js';
import type { RuleDocument } from '../../../contracts/rule.js';
import type { Signature } from '../signature.js';

/** References in the forms that documents have. */
function referencesOf(references: readonly string[]): RuleDocument['references'] {
  type Reference = NonNullable<RuleDocument['references']>[number];
  return references.flatMap((r): Reference[] => (/^CVE-\d{4}-\d{4,}$/.test(r) ? [{ cve: r }] : /^https?:\/\/\S+$/.test(r) ? [{ url: r }] : [])).slice(0, 32);
}

/**
 * A rule of Suricata's language as a document of ours: it keeps the rule's own words for what is to be matched, and says
 * of title, class, severity, references and advice what the rule says of them. To be gone over by whoever takes it in.
 */
export function toDocument(signature: Signature, text: string): RuleDocument {
  const { info } = signature;
  const title = info.message === '' ? `sid ${info.sid}` : info.message;
  const references = referencesOf(info.references);
  return {
    id: `suricata-${info.gid}-${info.sid}`, sid: info.sid, revision: Math.max(1, info.revision), title: { zh: title, en: title },
    advice: {
      zh: `核查告警两端主机：规则“${title}”已命中。`, en: `Look into the hosts at both ends: the rule "${title}" has matched.`,
    },
    severity: info.severity, class: info.class, ...(info.techniques.length > 0 && { techniques: info.techniques.slice(0, 16) }), ...(references && references.length > 0 && { references }),
    attacker: signature.attacker, suricata: text,
    because: { zh: `流量与导入的规则 ${info.sid} 相符（${CLASSES[info.class].zh}）。`, en: `The traffic matches the imported rule ${info.sid} (${CLASSES[info.class].en}).` },
    falsePositives: { zh: '导入的规则，误报情形未经核实。', en: 'Imported; when it is wrong has not been looked into.' },
    remediation: { zh: '按规则所列参考资料处置。', en: 'See the references of the rule.' },
    captures: [],
  };
}
