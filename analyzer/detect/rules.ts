import { CLASSES, type DetectionClass } from '../../contracts/classes.js';
import type { RuleDocument } from '../../contracts/rule.js';
import type { Place } from '../match/signature.js';
import type { BehaviourRule } from './behaviour.js';

/** What the stage needs of a rule document that names a behaviour; undefined when it names none. */
export function behaviourRule(document: RuleDocument, place: Place): BehaviourRule | undefined {
  const { behaviour } = document;
  if (!behaviour) return undefined;
  const name = document.class as DetectionClass;
  const codes = CLASSES[name];
  return {
    behaviour,
    info: {
      id: document.id, sid: document.sid, gid: 1, revision: document.revision, message: document.title.en, title: document.title,
      advice: document.advice, falsePositives: document.falsePositives, remediation: document.remediation,
      severity: document.severity, class: name, gb2007: document.gb2007 ?? codes.gb2007, gb2023: document.gb2023 ?? codes.gb2023,
      phase: document.phase ?? codes.phase, techniques: document.techniques ?? [],
      references: (document.references ?? []).map((r) => Object.values(r)[0] as string),
      action: 'allowed', silent: false, suricata: false, place,
    },
  };
}
