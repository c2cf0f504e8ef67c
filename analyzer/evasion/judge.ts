import { VERDICTS } from '../../contracts/classes.js';
import { DEFAULT_REASSEMBLY } from '../stream/reassembly.js';
import { DEFAULT_PACKET_STAGE, type PacketStageConfig } from '../packet-stage-config.js';
import { Engine } from '../engine.js';
import type { AnalyzerConfig } from '../config.js';
import type { RuleSet } from '../match/rule-set.js';
import type { OverlapPolicy } from '../decode/overlap.js';
import type { Carried } from './carriers.js';

/** Plays one capture after another to one engine and says which rules raised which verdicts. */
export class Judge {
  private readonly engine: Engine;
  private found = new Map<string, number>();
  private shift = 0;
  private lastUs = 0;

  constructor(config: AnalyzerConfig, rules: RuleSet, options: { policy?: OverlapPolicy; checksums?: PacketStageConfig['checksums'] } = {}) {
    const policy = options.policy ?? 'linux';
    this.engine = new Engine({
      config: { ...config, maxFlows: 1024, arenaMiB: 192, ringMiB: 4, checksums: options.checksums ?? 'ignore' }, rules,
      stage: {
        flowEvents: 'none', fileHashes: [], reassembly: { ...DEFAULT_REASSEMBLY, policy },
        defragmentation: { ...DEFAULT_PACKET_STAGE.defragmentation, policy },
      },
      outputs: {
        wants: () => false, event() {}, connections() {},
        alert: ({ shouwang: { rule, verdict } }) => void this.found.set(rule, Math.max(this.found.get(rule) ?? 0, VERDICTS.indexOf(verdict))),
      },
    });
    this.engine.stage.source({ node: 'judge', unit: '', iface: '' });
  }

  /** `rule verdict` of every rule that alerted, the highest verdict of each, in order. */
  alerts({ linktype, packets }: Carried): string[] {
    this.found = new Map();
    // A day lies between captures, so that none of the rules' memory reaches from one to the next.
    this.shift += this.lastUs === 0 ? 0 : 86_400e6;
    const { engine } = this;
    const startUs = packets[0]?.timeUs ?? 0;
    if (this.lastUs === 0) this.lastUs = startUs;
    for (const { timeUs, bytes } of packets) {
      const place = engine.place(bytes.length).at;
      engine.arena.u8.set(bytes, place);
      engine.stage.packet(place, bytes.length, bytes.length, 1.57e15 + this.shift + (timeUs - startUs), 0, linktype);
    }
    engine.stage.flush();
    return [...this.found].map(([rule, verdict]) => `${rule} ${VERDICTS[verdict]}`).sort();
  }
}
