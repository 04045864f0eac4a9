import { symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BIN, cronEnvironment, cronrun, journalOf, lastOf, scratch } from '../helpers/cronrun.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const INBOUND = { TRACEPARENT: `00-${TRACE}-${SPAN}-01`, TRACESTATE: 'congo=t61rcWkgMzE' };

/** What the command of a run finds: TRACEPARENT, and whether there is a TRACESTATE. */
const SHOWS = ['sh', '-c', 'echo "$TRACEPARENT $(env | grep -c ^TRACESTATE=) $TRACESTATE"'];

function shown(stateDir: string, env: Record<string, string> = {}): string {
  return cronrun(stateDir, ['exec', 'job', '--', ...SHOWS], { env: cronEnvironment(env) }).stdout;
}

describe('the trace of a run', () => {
  it('begins with it, and the record has what the command finds', () => {
    const stateDir = scratch();
    const [, trace, span] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01 0 \n$/.exec(shown(stateDir)) ?? [];
    expect(lastOf(stateDir, 'job')).toMatchObject({ trace_id: trace, span_id: span, parent_span_id: null });
    const [line] = journalOf(stateDir, 'job');
    expect(line).toMatchObject({ trace_id: trace, span_id: span });
    expect(line).toMatchObject({ parent_span_id: null });
    expect(shown(stateDir)).not.toContain(trace);
  });

  it('is the one that was handed over, with what vendors said of it', () => {
    const stateDir = scratch();
    const [, span] = new RegExp(`^00-${TRACE}-([0-9a-f]{16})-01 1 ${INBOUND.TRACESTATE}\n$`).exec(
      shown(stateDir, INBOUND),
    ) ?? ['', 'no such line'];
    expect(span).not.toBe(SPAN);
    expect(lastOf(stateDir, 'job')).toMatchObject({ trace_id: TRACE, span_id: span, parent_span_id: SPAN });
  });

  it.each([
    ['of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['of version ff', `ff-${TRACE}-${SPAN}-01`],
    ['in upper case', INBOUND.TRACEPARENT.toUpperCase()],
    ['that is empty', ''],
  ])(
    'begins anew where one was handed over %s, and nothing that was said of that is handed on',
    (_, text) => {
      const stateDir = scratch();
      const found = shown(stateDir, { ...INBOUND, TRACEPARENT: text });
      expect(found).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01 0 \n$/);
      expect(found).not.toContain(TRACE);
      expect(lastOf(stateDir, 'job')).toMatchObject({ parent_span_id: null });
    },
  );

  it('goes on in a run inside of it, whose parent it is', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'outer', '--', BIN, 'exec', 'inner', '--', 'true']);
    const outer = lastOf(stateDir, 'outer');
    const inner = lastOf(stateDir, 'inner');
    expect(inner).toMatchObject({ trace_id: outer.trace_id, parent_span_id: outer.span_id });
    expect(inner.span_id).not.toBe(outer.span_id);
  });

  it('is handed on by a run that is not recorded, too', () => {
    const stateDir = `${scratch()}/loop`;
    symlinkSync('loop', stateDir);
    expect(shown(stateDir, INBOUND)).toMatch(
      new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01 1 ${INBOUND.TRACESTATE}\n$`),
    );
  });

  it('is on record for a command that was not there, and none is for what was skipped', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', '/nowhere/job'], { env: cronEnvironment(INBOUND) });
    expect(lastOf(stateDir, 'job')).toMatchObject({ trace_id: TRACE, parent_span_id: SPAN });
    cronrun(stateDir, ['exec', 'job', '--', BIN, 'exec', '--overlap', 'skip', 'job', '--', 'true']);
    expect(journalOf(stateDir, 'job')[1]).toMatchObject({ status: 'skipped' });
    expect(journalOf(stateDir, 'job')[1]).toMatchObject({ trace_id: null });
  });
});
