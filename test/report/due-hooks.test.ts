import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../../src/model/record.js';
import { dueHooks } from '../../src/report/due-hooks.js';

const ALL = { onSuccess: 'good', onFailure: 'bad', onEnd: 'end' };
const NONE = { onSuccess: null, onFailure: null, onEnd: null };

const ENDS: readonly Exclude<RunStatus, 'running'>[] = ['completed', 'failed', 'timeout', 'interrupted'];

describe('what is to be run for an end', () => {
  it.each(ENDS)('%s: its own hook first, and the one for every end last', (status) => {
    const first =
      status === 'completed'
        ? { reporter: 'on-success', command: 'good' }
        : { reporter: 'on-failure', command: 'bad' };
    expect(dueHooks(ALL, { status })).toEqual([first, { reporter: 'on-end', command: 'end' }]);
  });

  it.each(ENDS)('%s: nothing where nobody asked for it', (status) => {
    expect(dueHooks(NONE, { status })).toEqual([]);
    const other = status === 'completed' ? { ...NONE, onFailure: 'bad' } : { ...NONE, onSuccess: 'good' };
    expect(dueHooks(other, { status })).toEqual([]);
  });
});
