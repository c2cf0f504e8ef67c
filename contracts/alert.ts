import type { DetectionClass, Phase, Severity, Verdict } from './classes.js';
import type { EveEvent } from './event.js';

export interface Bilingual { zh: string; en: string }

/** A reference to saved packets: where they are and what they hash to. */
export interface EvidenceReference {
  id: string;
  sha256: string;
  sm3?: string;
  bytes: number;
  packets: number;
}

/** Bytes that a condition matched, in their context. Bytes travel as base64; offsets are into `data`. */
export interface MatchedBuffer {
  /** Sticky buffer, e.g. `http.uri`. */
  buffer: string;
  /** `to_server` or `to_client`. */
  direction: 'to_server' | 'to_client';
  /** Up to 512 bytes around the match, base64. */
  data: string;
  /** Half-open ranges [from, to) in the decoded `data`. */
  marks: [number, number][];
  /** `data` was cut at the front / at the end. */
  cut?: [boolean, boolean];
}

/** What EVE has no name for. */
export interface ShouwangAlert {
  /** Deterministic: the same packets give the same id, so that a replayed block raises nothing twice. */
  id: string;
  /** Grows when the alert is raised again with a higher verdict or count; the highest revision of an id stands. */
  revision: number;
  rule: string;
  title: Bilingual;
  severity: Severity;
  class: DetectionClass;
  gb2007: string;
  gb2023: string;
  phase: Phase;
  verdict: Verdict;
  /** Why the verdict is what it is, in words. */
  because: Bilingual;
  attacker: { ip: string; port?: number; unit?: string; system?: string };
  victim: { ip: string; port?: number; unit?: string; system?: string };
  techniques: string[];
  references: string[];
  /** First and last packet time, EVE timestamps. */
  first_seen: string;
  last_seen: string;
  count: number;
  matched: MatchedBuffer[];
  evidence: EvidenceReference[];
  /** Numbers that a behaviour measured, e.g. `{ ports: 1000, hosts: 1 }`. */
  measured?: Record<string, number | string | string[]>;
  node?: string;
  unit?: string;
  demo?: boolean;
}

/** An alert on the bus, in a file or on standard output. */
export interface Alert extends EveEvent {
  event_type: 'alert';
  alert: {
    action: 'allowed' | 'blocked';
    gid: number;
    signature_id: number;
    rev: number;
    signature: string;
    category: string;
    severity: number;
    metadata?: Record<string, string[]>;
    rule?: string;
  };
  shouwang: ShouwangAlert;
}

/** Headers of an evidence message; its body is a pcap file of at most 512 KiB. */
export interface EvidenceHeaders {
  id: string;
  alert: string;
  sha256: string;
  packets: number;
}
