import { describe, expect, it } from 'vitest';
import { formatSize, parseSize, proposeSize } from '../../src/model/size.js';

describe('a size', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['4096B', 4096],
    ['1K', 1024],
    ['1k', 1024],
    ['1KB', 1024],
    ['1KiB', 1024],
    ['1M', 1_048_576],
    ['1mib', 1_048_576],
    ['2G', 2_147_483_648],
    ['1.5M', 1_572_864],
    ['.5K', 512],
    ['0.0001K', 1],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    '',
    'M',
    '1T',
    '1 M',
    '-1',
    '+1',
    '1e3',
    '1Mi',
    '0x10',
    '1MM',
    '1K1',
    '9007199254740993',
    '8388608G',
  ])('%j is none', (text) => {
    expect(parseSize(text)).toBeNull();
  });

  it.each([
    ['1 MB', '1MB'],
    ['1 megabyte', '1M'],
    ['100 bytes', '100'],
    ['1,5M', '1.5M'],
    ['1_000', '1000'],
    ['1,048,576', '1048576'],
    ['1M', null],
    ['big', null],
  ])('%j was meant as %j', (text, proposal) => {
    expect(proposeSize(text)).toBe(proposal);
  });

  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1480, '1.4 KiB'],
    [102_400, '100 KiB'],
    [1_048_575, '1 MiB'],
    [124_000_000, '118 MiB'],
    [1_073_741_824, '1 GiB'],
    [5 * 1024 ** 4, '5 TiB'],
  ])('%d bytes are shown as %s', (bytes, shown) => {
    expect(formatSize(bytes)).toBe(shown);
  });
});
