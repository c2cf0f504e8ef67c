/** Where the bytes of a capture go: memory of the caller's, for instance a part of the analyzer's arena. */

export interface Place {
  at: number;
  bytes: number;
}

export interface Region {
  /** The memory that all offsets are into. It must not grow. */
  readonly u8: Uint8Array;
  /**
   * The place for what is read next, at least `bytes` long. Packets in places handed out before stay where they are
   * until their place is handed out again; the unread rest of the last place is copied into the new one.
   */
  next(bytes: number): Place;
}

/** One place that is used again and again: packets are gone when the chunk after theirs is read. */
export interface FixedRegion {
  readonly u8: Uint8Array;
  readonly at: number;
  /** At least 1 MiB (`MIN_PLACE_BYTES`); 4 MiB reads fastest. */
  readonly bytes: number;
}

/** A region around which the reader goes, so that packets of the last `bytes - placeBytes` stay readable. */
export class RingRegion implements Region {
  private cursor: number;
  /** Times the ring has begun again. */
  laps = 0;

  constructor(readonly u8: Uint8Array, readonly at: number, readonly bytes: number, private readonly placeBytes: number) {
    this.cursor = at;
  }

  next(bytes: number): Place {
    const size = Math.max(bytes, this.placeBytes);
    if (this.cursor + size > this.at + this.bytes) {
      this.cursor = this.at;
      this.laps++;
    }
    const place = { at: this.cursor, bytes: Math.min(size, this.bytes) };
    this.cursor += place.bytes;
    return place;
  }
}

/** A region of its own memory, for readers without an arena. */
export function ownRegion(bytes = 4 * 1024 * 1024): FixedRegion {
  return { u8: new Uint8Array(bytes), at: 0, bytes };
}

export function asRegion(region: Region | FixedRegion): Region {
  if ('next' in region) return region;
  const place = { at: region.at, bytes: region.bytes };
  return { u8: region.u8, next: () => place };
}
