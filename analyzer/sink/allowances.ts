import type { Alert } from '../../contracts/alert.js';
import { EVE_SEVERITY } from '../../contracts/classes.js';
import { fromEveTimestamp } from './finding.js';

/** Whether the registry allows this attacker to do this to the victim at that time (ms, packet time). */
export type Allowed = (attackerIp: string, victimIp: string, detectionClass: string, atMs: number) => boolean;

/** Applies the registry's allowances: authorised scanners, jump hosts, backup windows. */
export class Allowances {
  /** Alerts that an allowance covered. */
  covered = 0;

  constructor(private readonly allowed: Allowed | undefined, private readonly as: 'info' | 'drop' = 'info') {}

  /** @returns whether the alert is to go on; a covered one at severity info. */
  pass(alert: Alert): boolean {
    const { allowed } = this;
    const s = alert.shouwang;
    if (allowed === undefined || s.verdict === 'compromised' || !allowed(s.attacker.ip, s.victim.ip, s.class, fromEveTimestamp(s.last_seen) / 1000)) return true;
    this.covered++;
    if (this.as === 'drop') return false;
    s.severity = 'info';
    alert.alert.severity = EVE_SEVERITY.info;
    s.because = { zh: `登记册允许该来源的此类行为。${s.because.zh}`, en: `The registry allows this source to do so. ${s.because.en}` };
    return true;
  }
}
