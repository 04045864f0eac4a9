const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** The rule in words, for messages and the manual. */
export const SIZE_RULE = 'bytes, or with K M G, powers of 1024: 512K 1M 1.5G; 0 is no limit';

/** A number, and perhaps a unit in either case, with or without B or iB. */
const SIZE = /^(\d+(?:\.\d+)?|\.\d+)(?:([KMG])(?:i?B)?|B)?$/i;

/** Bytes, rounded up so that nothing above zero becomes "no limit"; null for anything that is not a size. */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text);
  if (match === null) return null;
  const [, number = '', unit = ''] = match;
  const bytes = Math.ceil(Number(number) * (UNITS[unit.toUpperCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** What somebody who wrote "1 MB", "1 megabyte" or "1,5M" meant, or null. */
export function proposeSize(text: string): string | null {
  const proposal = text
    .replace(/[\s_]+|,(?=\d{3}(?!\d))/g, '')
    .replace(',', '.')
    .replace(/bytes?$/i, '')
    .replace(/(kilo|mega|giga|kibi|mebi|gibi)$/i, (word) => word.charAt(0).toUpperCase());
  return proposal !== text && parseSize(proposal) !== null ? proposal : null;
}

/** For people, three digits at most before the unit: "312 bytes", "1.4 KiB", "118 MiB". */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  let size = bytes / 1024;
  let unit = 0;
  while (size >= 999.5 && unit < LARGER_UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  const digits = size < 9.95 ? size.toFixed(1).replace(/\.0$/, '') : size.toFixed(0);
  return `${digits} ${LARGER_UNITS[unit]}`;
}

const LARGER_UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;
