import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  decodePing,
  encodePing,
  hasOwnSpool,
  listQueue,
  listQueues,
  listSpool,
  queueOf,
  readSpooled,
  readSpoolName,
  removeEmptySpool,
  removeSpooled,
  type SpooledPing,
  spoolName,
  spoolPing,
  stateFrom,
} from '../../src/state/ping-spool.js';
import { scratch } from '../helpers/cronrun.js';
import { at, runId } from '../helpers/records.js';

const URL_A = 'https://hc.example/a';
const URL_B = 'https://hc.example/b';

function ping(n: number, url = URL_A, over: Partial<SpooledPing> = {}): SpooledPing {
  return {
    job: 'backup',
    run: runId(n),
    at: at(n),
    word: 0,
    address: { url },
    rid: true,
    create: false,
    header: null,
    headline: null,
    tail: Buffer.alloc(0),
    printed: 0,
    heldUntil: null,
    ...over,
  };
}

function stateDir(): string {
  const directory = `${scratch()}/state`;
  mkdirSync(`${directory}/jobs/backup/running`, { recursive: true, mode: 0o700 });
  for (const path of ['', '/jobs', '/jobs/backup', '/jobs/backup/running'])
    chmodSync(directory + path, 0o700);
  return directory;
}

const runsOf = (names: readonly { readonly run: string }[]): string[] => names.map(({ run }) => run);

describe('a ping in the spool', () => {
  it.each([
    ping(1),
    ping(2, URL_A, { word: 'fail', headline: 'j: FAILED', tail: Buffer.from([0, 255, 10]), printed: 4711 }),
    ping(3, URL_A, { address: { file: '/etc/x' }, header: 'A: b', create: true, rid: false, heldUntil: 17 }),
  ])('is read as it was written: $word', (one) => {
    expect(decodePing(encodePing(one).toString())).toEqual(one);
  });

  const json = JSON.parse(encodePing(ping(1)).toString()) as Record<string, unknown>;

  it.each([
    ['torn', encodePing(ping(1)).toString().slice(0, 50)],
    ['empty', ''],
    ['NULs', '\0'.repeat(100)],
    ['a list', '[]'],
    ...Object.entries({
      v: 0,
      job: '../x',
      run: 'x',
      at: 'soon',
      word: 256,
      address: { url: 1 },
      tail: null,
      printed: -1,
    }).map(([field, value]) => [field, JSON.stringify({ ...json, [field]: value })]),
  ])('that is damaged is none: %s', (_, text) => {
    expect(decodePing(text ?? '')).toBeNull();
  });

  it('of a newer version is left to that', () => {
    expect(decodePing(JSON.stringify({ v: 2, something: 'else' }))).toBe('newer');
  });
});

describe('names', () => {
  it('tell queue, number and run', () => {
    const name = spoolName('0123456789abcdef', 7, runId(1));
    expect(readSpoolName(name)).toEqual({ name, queue: '0123456789abcdef', number: 7, run: runId(1) });
  });

  it.each(['', '.x.tmp', '0123456789abcdef.lock', `0123456789abcdef-7-${runId(1)}.json`, 'README'])(
    'of others are none: %j',
    (name) => {
      expect(readSpoolName(name)).toBeNull();
    },
  );

  it('do not show the address', () => {
    expect(queueOf({ url: URL_A })).toMatch(/^[0-9a-f]{16}$/);
    expect(queueOf({ url: URL_A })).not.toBe(queueOf({ url: URL_B }));
    expect(queueOf({ url: 'file:/x' })).toBe(queueOf({ file: '/x' }));
  });
});

describe('the spool', () => {
  it('keeps the order in which pings came, whatever their clocks say, and queues apart', () => {
    const directory = stateDir();
    for (const n of [5, 3, 9, 1]) spoolPing(directory, ping(n));
    spoolPing(directory, ping(2, URL_B));
    expect(runsOf(listQueue(directory, queueOf({ url: URL_A })))).toEqual([5, 3, 9, 1].map((n) => runId(n)));
    expect(runsOf(listQueue(directory, queueOf({ url: URL_B })))).toEqual([runId(2)]);
    expect(listQueues(directory)).toEqual([queueOf({ url: URL_A }), queueOf({ url: URL_B })].sort());
  });

  it('goes on behind what still waits', () => {
    const directory = stateDir();
    const first = spoolPing(directory, ping(1)).name;
    spoolPing(directory, ping(2));
    removeSpooled(directory, first.name);
    spoolPing(directory, ping(3));
    expect(listSpool(directory).map(({ number }) => number)).toEqual([2, 3]);
  });

  it('has one ping of a run, the first', () => {
    const directory = stateDir();
    const { name } = spoolPing(directory, ping(1, URL_A, { word: 'fail' }));
    expect(spoolPing(directory, ping(1, URL_A, { word: 0 })).name).toEqual(name);
    expect(readSpooled(directory, name.name)).toMatchObject({ word: 'fail' });
    expect(listSpool(directory)).toHaveLength(1);
  });

  it('is closed to all others, also where the records are open to a group', () => {
    const directory = stateDir();
    chmodSync(directory, 0o2750);
    const { name } = spoolPing(directory, ping(1));
    expect(statSync(`${directory}/pings`).mode & 0o777).toBe(0o700);
    expect(statSync(`${directory}/pings/${name.name}`).mode & 0o777).toBe(0o600);
  });

  it('is gone with its last ping', () => {
    const directory = stateDir();
    const { name } = spoolPing(directory, ping(1));
    removeEmptySpool(directory);
    expect(existsSync(`${directory}/pings`)).toBe(true);
    removeSpooled(directory, name.name);
    removeEmptySpool(directory);
    expect(existsSync(`${directory}/pings`)).toBe(false);
    expect(hasOwnSpool(directory)).toBe(false);
    expect(listSpool(directory)).toEqual([]);
  });

  it('drops the oldest where too many wait, and says which', () => {
    const directory = stateDir();
    mkdirSync(`${directory}/pings`, { mode: 0o700 });
    for (let n = 0; n < 1000; n++)
      writeFileSync(`${directory}/pings/${spoolName('0123456789abcdef', n, runId(n))}`, '');
    const { dropped } = spoolPing(directory, ping(2000));
    expect(runsOf(dropped)).toEqual([runId(0)]);
    expect(readdirSync(`${directory}/pings`)).toHaveLength(1000);
  });

  it('that others can write in is not used', () => {
    const directory = stateDir();
    mkdirSync(`${directory}/pings`);
    chmodSync(`${directory}/pings`, 0o777);
    expect(() => spoolPing(directory, ping(1))).toThrow('writable by others');
    expect(() => hasOwnSpool(directory)).toThrow('writable by others');
  });

  it('that is a link is not used', () => {
    const directory = stateDir();
    const elsewhere = scratch();
    symlinkSync(elsewhere, `${directory}/pings`);
    expect(() => spoolPing(directory, ping(1))).toThrow('symbolic link');
    expect(() => hasOwnSpool(directory)).toThrow('symbolic link');
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('of a state directory that others can write in is not used', () => {
    const directory = stateDir();
    spoolPing(directory, ping(1));
    chmodSync(directory, 0o777);
    expect(() => hasOwnSpool(directory)).toThrow('writable by others');
  });

  it('has damaged what others can write', () => {
    const directory = stateDir();
    const { name } = spoolPing(directory, ping(1));
    chmodSync(`${directory}/pings/${name.name}`, 0o666);
    expect(readSpooled(directory, name.name)).toBe('damaged');
    expect(readSpooled(directory, name.name, null)).toMatchObject({ job: 'backup' });
    expect(readSpooled(directory, 'nothing')).toBeNull();
  });
});

describe('the state of a queue', () => {
  it.each([
    ['', null],
    ['{}', null],
    [
      '{"failures":2,"not_before":17,"asked":true,"why":"x"}',
      { failures: 2, notBefore: 17, asked: true, why: 'x' },
    ],
    ['{"failures":2,"not_before":17}', { failures: 2, notBefore: 17, asked: false, why: '' }],
    ['{"failures":-2,"not_before":17}', null],
  ])('%s', (text, expected) => {
    expect(stateFrom(text)).toEqual(expected);
  });
});
