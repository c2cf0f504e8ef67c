import { Command, CommanderError } from 'commander';
import { OperatorError } from '../runtime/errors.js';
import { version } from './version.js';

interface Entry {
  summary: string;
  load: () => Promise<{ register(command: Command): void }>;
}

/** One file a command; only the one that is asked for is loaded. */
const commands: Record<string, Entry> = {
  up: { summary: 'run the whole appliance in one process', load: () => import('./up.js') },
  analyze: { summary: 'analyse capture files, or serve as an analyzer of the distributed form', load: () => import('./analyze.js') },
  collect: { summary: 'capture packets from interfaces, files, a folder or standard input', load: () => import('./collect.js') },
  replay: { summary: 'send a capture as a node would, in original time or faster', load: () => import('./replay.js') },
  console: { summary: 'run the console of the distributed form', load: () => import('./console.js') },
  rules: { summary: 'check, test, list and import detection rules', load: () => import('./rules.js') },
  exercise: { summary: 'score what was seen, how fast, and what was missed', load: () => import('./exercise.js') },
  bench: { summary: 'measure speed and memory', load: () => import('./bench.js') },
  backup: { summary: 'copy a console\'s data while it runs', load: () => import('./backup.js') },
  restore: { summary: 'put a backup of the console back', load: () => import('./restore.js') },
  verify: { summary: 'check an evidence bundle of the console on any machine', load: () => import('./verify.js') },
  doctor: { summary: 'say what this machine has and lacks', load: () => import('./doctor.js') },
};

async function main(argv: string[]): Promise<void> {
  const program = new Command('shouwang')
    .description('Shouwang 守望: security monitoring from the packet to the verified fix')
    .version(version())
    .exitOverride()
    .showHelpAfterError('Run with --help for usage.');
  const wanted = argv.find((a) => !a.startsWith('-'));
  for (const [name, entry] of Object.entries(commands)) {
    const command = program.command(name).description(entry.summary).exitOverride();
    if (name === wanted) (await entry.load()).register(command);
  }
  program.addHelpText('after', '\nExample:\n  npx shouwang analyze attack.pcap --format eve | jq .alert.signature');
  await program.parseAsync(argv, { from: 'user' });
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader of our pipe has seen enough
  throw error;
});

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // commander has printed what it has to say; usage errors end with 2, --help and --version with 0
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  if (error instanceof OperatorError) process.stderr.write(`${error.toLine()}\n`);
  else {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`SW_INTERNAL: unexpected failure: ${text}\nPlease report this with the command you ran.\n`);
  }
  process.exitCode = 2;
});
