import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bus } from '../runtime/bus/bus.js';
import { connectLocalBus } from '../runtime/bus/local.js';

/** Where the appliance keeps everything: `--data`, else `SW_DATA`, else `data/` in the checkout. */
export function dataFolder(named: string | undefined): string {
  return resolve(named ?? process.env['SW_DATA'] ?? fileURLToPath(new URL('../../data', import.meta.url)));
}

export const socketPath = (data: string): string => join(data, 'run/bus.sock');

/** The bus of the appliance running on this machine, if there is one. */
export async function applianceBus(named: string | undefined): Promise<{ bus: Bus | undefined; path: string }> {
  const path = socketPath(dataFolder(named));
  if (!existsSync(path)) return { bus: undefined, path };
  try {
    return { bus: await connectLocalBus(path), path };
  } catch {
    return { bus: undefined, path };
  }
}
