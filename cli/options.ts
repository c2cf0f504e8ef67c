/** For commander: an option that takes one value and may be given again. */
export const repeated = (value: string, before: string[]): string[] => [...before, value];
