import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { isExactly, printable, text, u16, u32 } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';

/** Anomalies of MQTT, named as Suricata names its mqtt events. */
export type MqttAnomaly =
  | 'missing_connect'
  | 'missing_publish'
  | 'double_connect'
  | 'unintroduced_message'
  | 'invalid_qos_level'
  | 'missing_msg_id'
  | 'unassigned_msg_type'
  | 'malformed_traffic';

/** Messages waiting for their acknowledgement; the oldest is told of without it. */
const MAX_WAITING = 128;
/** Topics of one message. */
const MAX_TOPICS = 100;
/** Characters of a payload shown. */
const MAX_SHOWN = 1024;

const TYPES = [
  '', 'connect', 'connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'suback', 'unsubscribe', 'unsuback',
  'pingreq', 'pingresp', 'disconnect', 'auth',
] as const;
/** Properties of version 5 (2.2.2.2): name and kind (1, 2, 4: integers; v variable, s text, b bytes, p pair). */
const PROPERTIES: Record<number, readonly [string, string]> = {
  1: ['payload_format_indicator', '1'], 2: ['message_expiry_interval', '4'], 3: ['content_type', 's'], 8: ['response_topic', 's'],
  9: ['correlation_data', 'b'], 11: ['subscription_identifier', 'v'], 17: ['session_expiry_interval', '4'],
  18: ['assigned_client_identifier', 's'], 19: ['server_keep_alive', '2'], 21: ['authentication_method', 's'],
  22: ['authentication_data', 'b'], 23: ['request_problem_information', '1'], 24: ['will_delay_interval', '4'],
  25: ['request_response_information', '1'], 26: ['response_information', 's'], 28: ['server_reference', 's'],
  31: ['reason_string', 's'], 33: ['receive_maximum', '2'], 34: ['topic_alias_maximum', '2'], 35: ['topic_alias', '2'],
  36: ['maximum_qos', '1'], 37: ['retain_available', '1'], 38: ['userproperty', 'p'], 39: ['maximum_packet_size', '4'],
  40: ['wildcard_subscription_available', '1'], 41: ['subscription_identifiers_available', '1'],
  42: ['shared_subscription_available', '1'],
};

/** Reads the fields of one message; a broken one leaves `bad` set. */
class Reader {
  p = 0;
  end = 0;
  bad = false;
  u8!: Uint8Array;
  lastAt = 0;
  lastLength = 0;
  byte(): number {
    if (this.p >= this.end) this.bad = true;
    return this.bad ? 0 : this.u8[this.p++]!;
  }
  word(): number {
    if (this.p + 2 > this.end) this.bad = true;
    if (this.bad) return 0;
    this.p += 2;
    return u16(this.u8, this.p - 2);
  }
  long(): number {
    if (this.p + 4 > this.end) this.bad = true;
    if (this.bad) return 0;
    this.p += 4;
    return u32(this.u8, this.p - 4);
  }
  variable(): number {
    let v = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const b = this.byte();
      v += (b & 127) << shift;
      if (b < 128) return v;
    }
    this.bad = true;
    return 0;
  }
  /** Bytes with a length before them; where they are is kept. */
  bytes(): boolean {
    const n = this.word();
    if (this.p + n > this.end) this.bad = true;
    if (this.bad) return false;
    this.lastAt = this.p;
    this.lastLength = n;
    this.p += n;
    return true;
  }
  string(): string {
    return this.bytes() ? text(this.u8, this.lastAt, this.lastLength) : '';
  }
  properties(): Record<string, unknown> {
    const length = this.variable();
    const stop = Math.min(this.end, this.p + length);
    const o: Record<string, unknown> = {};
    while (this.p < stop && !this.bad) {
      const kind = PROPERTIES[this.variable()];
      if (!kind) {
        this.p = stop;
        break;
      }
      const [name, type] = kind;
      if (type === '1') o[name] = this.byte();
      else if (type === '2') o[name] = this.word();
      else if (type === '4') o[name] = this.long();
      else if (type === 'v') o[name] = this.variable();
      else if (type === 's') o[name] = this.string();
      else if (type === 'b') o[name] = this.bytes() ? printable(this.u8, this.lastAt, Math.min(this.lastLength, MAX_SHOWN)) : '';
      else {
        const key = this.string();
        o[key] = this.string();
      }
    }
    return o;
  }
}
const r = new Reader();

/** MQTT 3.1, 3.1.1 and 5. Messages are joined with their acknowledgements as in EVE. */
class MqttParser extends FrameProtocol {
  readonly protocol = 'mqtt';
  private version = 4;
  private connected = false;
  private user = '';
  private credentials = false;
  private connecting: PlainTransaction | undefined;
  private readonly waiting = new Map<number, PlainTransaction>();
  private last = -1;

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    let n = 0;
    for (let i = 0; i < 4; i++) {
      if (length < 2 + i) return 0;
      n += (u8[at + 1 + i]! & 127) << (7 * i);
      if (u8[at + 1 + i]! < 128) return 2 + i + n;
    }
    return -1;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): boolean | void {
    const { u8 } = c.arena;
    const type = u8[at]! >> 4;
    const qos = (u8[at]! >> 1) & 3;
    let p = at + 1;
    while (u8[p]! >= 128) p++;
    r.u8 = u8;
    r.p = p + 1;
    r.end = at + length;
    r.bad = false;
    const name = TYPES[type];
    if (!name) {
      c.anomaly(flow, 'mqtt', 'unassigned_msg_type');
      return;
    }
    const m: Record<string, unknown> = { qos, retain: (u8[at]! & 1) !== 0, dup: (u8[at]! & 8) !== 0 };
    if (qos === 3) c.anomaly(flow, 'mqtt', 'invalid_qos_level');
    if (!this.connected && type !== 1 && !flow.midstream && this.last < 0) c.anomaly(flow, 'mqtt', 'unintroduced_message');
    const { buffers } = c;
    buffers.addNumber(B['mqtt.qos'], qos);
    buffers.addNumber(B['mqtt.flags'], u8[at]! & 15);
    buffers.addNumber(B['mqtt.protocol_version'], this.version);
    const v5 = this.version === 5;
    let id = 0;
    let owner: PlainTransaction | undefined;
    switch (type) {
      case 1:
        this.connect(c, flow, m);
        break;
      case 2:
        m['session_present'] = (r.byte() & 1) !== 0;
        m['return_code'] = r.byte();
        if (v5 && r.p < r.end) m['properties'] = r.properties();
        buffers.addNumber(B['mqtt.connack.session_present'], m['session_present'] === true ? 1 : 0);
        buffers.addNumber(B['mqtt.reason_code'], m['return_code'] as number);
        owner = this.connecting;
        this.login(c, flow, m['return_code'] as number);
        break;
      case 3:
        if (r.bytes()) {
          m['topic'] = text(u8, r.lastAt, r.lastLength);
          buffers.add(B['mqtt.publish.topic'], r.lastAt, r.lastLength);
        }
        if (qos > 0) m['message_id'] = id = r.word();
        if (v5) m['properties'] = r.properties();
        if (!r.bad) {
          m['message'] = printable(u8, r.p, Math.min(r.end - r.p, MAX_SHOWN));
          buffers.add(B['mqtt.publish.message'], r.p, r.end - r.p);
        }
        break;
      case 8:
      case 10: {
        m['message_id'] = id = r.word();
        if (v5) m['properties'] = r.properties();
        const topics: unknown[] = [];
        while (r.p < r.end && !r.bad && topics.length < MAX_TOPICS) {
          const topic = r.string();
          if (r.bad) break;
          buffers.add(type === 8 ? B['mqtt.subscribe.topic'] : B['mqtt.unsubscribe.topic'], r.lastAt, r.lastLength);
          topics.push(type === 8 ? { topic, qos: r.byte() & 3 } : topic);
        }
        m['topics'] = topics;
        break;
      }
      case 9:
      case 11: {
        m['message_id'] = id = r.word();
        if (v5) m['properties'] = r.properties();
        const codes = Array.from(u8.subarray(r.p, Math.min(r.end, r.p + MAX_TOPICS)));
        if (type === 9) m['qos_granted'] = codes;
        else if (v5) m['reason_codes'] = codes;
        for (const code of codes.slice(0, 8)) buffers.addNumber(B['mqtt.reason_code'], code);
        break;
      }
      case 4:
      case 5:
      case 6:
      case 7:
        m['message_id'] = id = r.word();
        if (v5) {
          m['reason_code'] = r.p < r.end ? r.byte() : 0;
          buffers.addNumber(B['mqtt.reason_code'], m['reason_code'] as number);
          if (r.p < r.end) m['properties'] = r.properties();
        }
        break;
      case 14:
      case 15:
        if (v5 || type === 15) {
          m['reason_code'] = r.p < r.end ? r.byte() : 0;
          buffers.addNumber(B['mqtt.reason_code'], m['reason_code'] as number);
          if (r.p < r.end) m['properties'] = r.properties();
        }
        break;
      default:
    }
    if (r.bad) c.anomaly(flow, 'mqtt', 'malformed_traffic');
    this.last = type;
    const acknowledges = (type >= 4 && type <= 7) || type === 9 || type === 11;
    if (acknowledges) {
      owner = this.waiting.get(id);
      if (!owner && type === 6 && !flow.midstream) c.anomaly(flow, 'mqtt', 'missing_publish');
    }
    const tx = owner ?? new PlainTransaction(this.nextId++, 'mqtt');
    tx.fields[name] = m;
    // Rules may ask for a message by its place in the exchange.
    const types = Object.keys(tx.fields).map((n) => (TYPES as readonly string[]).indexOf(n));
    for (const t of types) buffers.addNumber(B['mqtt.type'], t);
    if (type === 1) this.connecting = tx;
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    const waits = type === 1 || (type === 3 && qos > 0) || type === 8 || type === 10 || type === 5 || type === 6;
    if (waits && !(type === 1) && id > 0) {
      if (!this.waiting.has(id) && this.waiting.size >= MAX_WAITING) this.flush(c, flow, this.waiting.keys().next().value!);
      this.waiting.set(id, tx);
      return;
    }
    if (type === 1) return;
    if (acknowledges) this.waiting.delete(id);
    if (type === 2) this.connecting = undefined;
    c.event(flow, 'mqtt', tx.fields, tx.id, owner ? ((1 - d) as Direction) : d);
  }

  private connect(c: AppContext, flow: Flow, m: Record<string, unknown>): void {
    if (this.connected) c.anomaly(flow, 'mqtt', 'double_connect');
    this.connected = true;
    const { buffers } = c;
    m['protocol_string'] = r.string();
    if (!r.bad) buffers.add(B['mqtt.connect.protocol_string'], r.lastAt, r.lastLength);
    m['protocol_version'] = this.version = r.byte();
    buffers.addNumber(B['mqtt.protocol_version'], this.version);
    const flags = r.byte();
    r.word(); // keep alive
    buffers.addNumber(B['mqtt.connect.flags'], flags);
    m['flags'] = {
      username: (flags & 128) !== 0,
      password: (flags & 64) !== 0,
      will_retain: (flags & 32) !== 0,
      will: (flags & 4) !== 0,
      clean_session: (flags & 2) !== 0,
    };
    if (this.version === 5) m['properties'] = r.properties();
    m['client_id'] = r.string();
    if (!r.bad) buffers.add(B['mqtt.connect.clientid'], r.lastAt, r.lastLength);
    if ((flags & 4) !== 0 && !r.bad) {
      const will: Record<string, unknown> = {};
      if (this.version === 5) will['properties'] = r.properties();
      will['topic'] = r.string();
      buffers.add(B['mqtt.connect.willtopic'], r.lastAt, r.lastLength);
      if (r.bytes()) {
        will['message'] = printable(r.u8, r.lastAt, Math.min(r.lastLength, MAX_SHOWN));
        buffers.add(B['mqtt.connect.willmessage'], r.lastAt, r.lastLength);
      }
      m['will'] = will;
    }
    if ((flags & 128) !== 0 && r.bytes()) {
      m['username'] = this.user = text(r.u8, r.lastAt, r.lastLength);
      buffers.add(B['mqtt.connect.username'], r.lastAt, r.lastLength);
    }
    if ((flags & 64) !== 0 && r.bytes()) {
      // rules see it, events don't: they are kept longer than a password should be
      buffers.add(B['mqtt.connect.password'], r.lastAt, r.lastLength);
    }
    this.credentials = (flags & 128) !== 0;
  }

  /** Codes 4, 5 (3.1.1) and 134, 135 (5) say that the login failed; the others are about something else. */
  private login(c: AppContext, flow: Flow, code: number): void {
    const failed = code === 4 || code === 5 || code === 134 || code === 135 || code === 140;
    if (!this.credentials && !failed) return;
    const result = code === 0 ? 'success' : failed ? 'failure' : 'unknown';
    const auth = { protocol: 'mqtt', ...(this.user !== '' && { user: this.user }), result, confidence: 0.99, method: 'password' };
    c.event(flow, 'auth', auth, this.connecting?.id, 0);
  }

  private flush(c: AppContext, flow: Flow, id: number): void {
    const tx = this.waiting.get(id);
    this.waiting.delete(id);
    if (tx) c.event(flow, 'mqtt', tx.fields, tx.id, 0);
  }

  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 0) return;
    if (this.connecting) c.event(flow, 'mqtt', this.connecting.fields, this.connecting.id, 0);
    this.connecting = undefined;
    for (const id of [...this.waiting.keys()]) this.flush(c, flow, id);
  }
}

export const mqtt: ProtocolEntry = {
  protocol: 'mqtt',
  transport: 'tcp',
  ports: [1883],
  identify: (u8, at, length, d, onPort) => {
    const first = u8[at]!;
    if (d === 0 && first === 0x10) {
      if (length < 14) return 0;
      let p = at + 1;
      while (p < at + 5 && u8[p]! >= 128) p++;
      p += 3;
      const end = at + length;
      return isExactly(u8, p, end, 'MQTT') || isExactly(u8, p, end, 'MQIsdp') ? 1 : -1;
    }
    if (!onPort) return -1;
    if (length < 2) return 0;
    if (d === 1) return first === 0x20 && (u8[at + 1] === 2 || u8[at + 1]! < 128) ? 1 : -1;
    // picked up in its middle: a message whose flags are possible
    const type = first >> 4;
    return type === 3 || (type >= 8 && type <= 12 && (first & 15) === (type === 12 ? 0 : 2)) ? 1 : -1;
  },
  create: () => new MqttParser(),
};
