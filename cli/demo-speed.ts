import { readCaptureFile } from '../collector/capture-reader.js';
import { ownRegion } from '../collector/region.js';

/** How many times faster than in original time a capture must be replayed to last so many seconds; at least 1. */
export async function speedFor(path: string, seconds: number): Promise<number> {
  const { firstUs, lastUs } = await readCaptureFile(path, ownRegion(), { packet: () => {} });
  return Math.max(1, (lastUs - firstUs) / 1e6 / seconds);
}
