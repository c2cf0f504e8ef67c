/** Second-level labels under which names are registered, with a country code above them. */
const SHARED = new Set(['com', 'net', 'org', 'gov', 'edu', 'ac', 'co', 'mil', 'or', 'ne', 'go', 'gob', 'in', 'ltd', 'me', 'plc', 'sch', 'nhs']);

/** The part of a name that somebody registered, and what stands before it. A list of suffixes is not needed for counting. */
export function splitName(name: string): { domain: string; below: string } {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.');
  let keep = 2;
  if (labels.length > 2 && labels[labels.length - 1]!.length === 2 && SHARED.has(labels[labels.length - 2]!)) keep = 3;
  const domain = labels.slice(-keep).join('.');
  return { domain, below: labels.slice(0, -keep).join('.') };
}

/** Whether a name is one of the suffixes or lies below one. */
export function isUnder(name: string, suffixes: readonly string[]): boolean {
  return suffixes.some((s) => name === s || name.endsWith(`.${s}`));
}

/** The letter pairs that make up most of English and of pinyin; of pairs drawn at random one in seven is among them. */
const PAIRS = new Set((
  'th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur '
  + 'zh sh xi ia ua ao ei ui uo ai ji ho xu yi ya yo ga gu ba bo da di du fe fo fu ge go ho id if ig il im ir iv ke ki la lo lu mi mo na no ol op os ot ow pa pe po pr '
  + 'qi ru sa so su ta tr tu un up us ut wa we wi wo am ap ad ag av ay ck cl cr ct em et ex ey').split(' '));

/** Whether a label looks drawn at random: few familiar letter pairs, or letters and digits in turns. */
export function looksGenerated(label: string): boolean {
  if (label.length < 7 || label.startsWith('xn--')) return false;
  const letters = label.replace(/[^a-z]/g, '');
  const turns = (label.match(/[a-z][0-9]|[0-9][a-z]/g) ?? []).length;
  if (turns >= 3) return true;
  if (letters.length < 6) return false;
  let familiar = 0;
  for (let i = 0; i + 1 < letters.length; i++) if (PAIRS.has(letters.slice(i, i + 2))) familiar++;
  return familiar / (letters.length - 1) < 0.42;
}
