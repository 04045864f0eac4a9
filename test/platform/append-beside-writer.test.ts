import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, it, vi } from 'vitest';
import { appendDurably, PRIVATE } from '../../src/platform/durable.js';
import { scratch } from '../helpers/cronrun.js';

/** What others do while somebody waits, one after the other. */
const meanwhile = vi.hoisted((): (() => void)[] => []);

vi.mock('../../src/platform/clock.js', async (original) => ({
  ...(await original<object>()),
  pauseMs: () => meanwhile.shift()?.(),
}));

let path: string;

beforeEach(() => {
  meanwhile.length = 0;
  path = `${scratch()}/journal.jsonl`;
});

const append = () => appendDurably(path, PRIVATE, ({ size }) => `ours, behind ${size} bytes\n`);

it('waits for a line of which only a part is there yet: a blank line would stand between', () => {
  writeFileSync(path, 'one\n{"half');
  meanwhile.push(
    () => appendFileSync(path, ' of it'),
    () => appendFileSync(path, '"}\n'),
  );
  append();
  expect(readFileSync(path, 'utf8')).toBe('one\n{"half of it"}\nours, behind 19 bytes\n');
});

it('closes off a line that nobody goes on with, after one pause', () => {
  writeFileSync(path, 'one\n{"torn');
  const pauses = vi.fn();
  meanwhile.push(pauses, pauses);
  append();
  expect(pauses).toHaveBeenCalledTimes(1);
  expect(readFileSync(path, 'utf8')).toBe('one\n{"torn\nours, behind 10 bytes\n');
});

it('does not wait for ever for others who all write at the same time', () => {
  writeFileSync(path, '{');
  meanwhile.push(...Array.from({ length: 1000 }, () => () => appendFileSync(path, '{')));
  append();
  expect(readFileSync(path, 'utf8')).toMatch(/^\{+\nours, behind \d+ bytes\n$/);
});

it('pauses for nobody where the last line is whole', () => {
  writeFileSync(path, 'one\n');
  meanwhile.push(() => expect.unreachable('nobody writes'));
  append();
  expect(readFileSync(path, 'utf8')).toBe('one\nours, behind 4 bytes\n');
});
