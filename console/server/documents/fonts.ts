import { createRequire } from 'node:module';

const resolve = createRequire(import.meta.url).resolve;
const path = (weight: string): string => resolve(`@expo-google-fonts/noto-serif-sc/${weight}/NotoSerifSC_${weight}.ttf`);
/** A Song typeface with all of GB 18030's common characters; pdfkit embeds what a document uses of it. */
export const FONTS = { regular: path('400Regular'), bold: path('700Bold') } as const;

/** Text that a document can hold: no control characters but line breaks, no half surrogates. */
export const documentText = (text: string): string => (text as string & { toWellFormed(): string }).toWellFormed().replace(/[^\P{C}\n]/gu, '');
