import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  enterTrace,
  formatTraceparent,
  makeTrace,
  parseTraceparent,
  recordedTrace,
  spanId,
  traceId,
} from '../../src/model/trace.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const CONTEXT = { traceId: TRACE, spanId: SPAN, flags: '01' };

/** 24 bytes of which nothing can be mistaken for another. */
const RANDOM = Uint8Array.from({ length: 24 }, (_, i) => i + 1);
const NEW_TRACE = '0102030405060708090a0b0c0d0e0f10';
const NEW_SPAN = '1112131415161718';

describe('TRACEPARENT', () => {
  it.each([
    ['of version 00', `00-${TRACE}-${SPAN}-01`, CONTEXT],
    ['not sampled', `00-${TRACE}-${SPAN}-00`, { ...CONTEXT, flags: '00' }],
    ['sampled, of a random trace', `00-${TRACE}-${SPAN}-03`, { ...CONTEXT, flags: '03' }],
    ['with flags that mean nothing yet', `00-${TRACE}-${SPAN}-ff`, { ...CONTEXT, flags: '03' }],
    ['with others only', `00-${TRACE}-${SPAN}-a8`, { ...CONTEXT, flags: '00' }],
    ['of a version to come', `cc-${TRACE}-${SPAN}-01`, CONTEXT],
    ['of one that says more', `01-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, CONTEXT],
    ['of one that says nothing more', `fe-${TRACE}-${SPAN}-01-`, CONTEXT],
  ])('%s is understood', (_, text, context) => {
    expect(parseTraceparent(text)).toEqual(context);
  });

  it.each([
    ['that is not there', undefined],
    ['that is empty', ''],
    ['that is a word', 'nonsense'],
    ['of version ff', `ff-${TRACE}-${SPAN}-01`],
    ['of version 00 that says more', `00-${TRACE}-${SPAN}-01-more`],
    ['of version 00 with a dash at its end', `00-${TRACE}-${SPAN}-01-`],
    ['of a version to come that goes on without a dash', `cc-${TRACE}-${SPAN}-01.more`],
    ['whose trace is all zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['whose span is all zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['whose trace is in upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['whose span is in upper case', `00-${TRACE}-${SPAN.toUpperCase()}-01`],
    ['whose version is in upper case', `CC-${TRACE}-${SPAN}-01`],
    ['whose flags are in upper case', `00-${TRACE}-${SPAN}-0A`],
    ['whose trace is too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['whose trace is too long', `00-0${TRACE}-${SPAN}-01`],
    ['whose span is too short', `00-${TRACE}-${SPAN.slice(1)}-01`],
    ['without flags', `00-${TRACE}-${SPAN}`],
    ['with half of its flags', `00-${TRACE}-${SPAN}-1`],
    ['with one digit of a version', `0-${TRACE}-${SPAN}-01`],
    ['with a blank before it', ` 00-${TRACE}-${SPAN}-01`],
    ['with a newline behind it', `00-${TRACE}-${SPAN}-01\n`],
    ['with a newline in what is to come', `cc-${TRACE}-${SPAN}-01-a\nb`],
    ['with other separators', `00_${TRACE}_${SPAN}_01`],
  ])('%s is of no use', (_, text) => {
    expect(parseTraceparent(text)).toBeNull();
  });

  it('is what was written, for every context there can be', () => {
    const hex = (digits: number) =>
      fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((word) => /[^0]/.test(word));
    const contexts = fc.record({
      traceId: hex(32),
      spanId: hex(16),
      flags: fc.constantFrom('00', '01', '02', '03'),
    });
    fc.assert(
      fc.property(contexts, (context) => {
        const written = formatTraceparent({ ...context, parentSpanId: null });
        expect(parseTraceparent(written)).toEqual(context);
      }),
    );
  });

  it('of whatever text is null, or ids that can be used', () => {
    const nearly = fc
      .tuple(
        fc.constantFrom(`00-${TRACE}-${SPAN}-01`, `fe-${TRACE}-${SPAN}-01-x`),
        fc.nat(60),
        fc.string({ maxLength: 2 }),
      )
      .map(([text, at, piece]) => text.slice(0, at) + piece + text.slice(at + piece.length));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearly), (text) => {
        const context = parseTraceparent(text);
        if (context === null) return;
        expect(traceId(context.traceId)).toBe(context.traceId);
        expect(spanId(context.spanId)).toBe(context.spanId);
        expect(context.flags).toMatch(/^0[0-3]$/);
      }),
    );
  });
});

describe('the trace of a run', () => {
  it('begins where none was handed over, and is to be sampled', () => {
    expect(makeTrace(undefined, RANDOM)).toEqual({
      traceId: NEW_TRACE,
      spanId: NEW_SPAN,
      parentSpanId: null,
      flags: '01',
    });
  });

  it.each(['', 'nonsense', `ff-${TRACE}-${SPAN}-01`, `00-${'0'.repeat(32)}-${SPAN}-01`])(
    'begins where %j was',
    (inbound) => {
      expect(makeTrace(inbound, RANDOM)).toEqual(makeTrace(undefined, RANDOM));
    },
  );

  it('is the one that was handed over, in a span of its own', () => {
    expect(makeTrace(`00-${TRACE}-${SPAN}-00`, RANDOM)).toEqual({
      traceId: TRACE,
      spanId: NEW_SPAN,
      parentSpanId: SPAN,
      flags: '00',
    });
  });

  it('is none of zeros, whatever chance says', () => {
    const { traceId: trace, spanId: span } = makeTrace(undefined, new Uint8Array(24));
    expect(traceId(trace)).toBe(trace);
    expect(spanId(span)).toBe(span);
  });

  it('is one that the next can continue, whatever chance and the one before say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), fc.boolean(), (random, isInner) => {
        const trace = makeTrace(isInner ? `00-${TRACE}-${SPAN}-01` : undefined, random);
        const next = makeTrace(formatTraceparent(trace), RANDOM);
        expect(next).toMatchObject({ traceId: trace.traceId, parentSpanId: trace.spanId });
      }),
    );
  });
});

describe('the trace on record', () => {
  const SPAN_ON_RECORD = { trace_id: TRACE, span_id: SPAN, parent_span_id: null };

  it.each([
    ['as it was handed on where that began it', undefined, '01'],
    ['with the flags of the one that it continued', `00-${TRACE}-${NEW_SPAN}-00`, '00'],
    ['with none of another one', `00-${NEW_TRACE}-${NEW_SPAN}-00`, '01'],
  ])('is %s', (_, inbound, flags) => {
    const trace = recordedTrace(SPAN_ON_RECORD, inbound);
    expect(trace).toEqual({ traceId: TRACE, spanId: SPAN, parentSpanId: null, flags });
  });

  it('is none in a record of an older version', () => {
    expect(recordedTrace({ ...SPAN_ON_RECORD, trace_id: null }, undefined)).toBeNull();
    expect(recordedTrace({ ...SPAN_ON_RECORD, span_id: null }, undefined)).toBeNull();
  });
});

describe('whoever is started in a span', () => {
  const env = { PATH: '/bin', TRACESTATE: 'congo=t61rcWkgMzE' };

  it('finds it, and what vendors said of its trace', () => {
    const inbound = { ...env, TRACEPARENT: `00-${TRACE}-${SPAN}-01` };
    const trace = makeTrace(inbound.TRACEPARENT, RANDOM);
    expect(enterTrace(inbound, trace)).toEqual({ ...env, TRACEPARENT: `00-${TRACE}-${NEW_SPAN}-01` });
  });

  it.each([undefined, 'nonsense', `00-${NEW_TRACE.replace('01', '77')}-${SPAN}-01`])(
    'finds nothing that was said of another trace: %s',
    (inbound) => {
      const trace = makeTrace(undefined, RANDOM);
      const entered = enterTrace({ ...env, TRACEPARENT: inbound }, trace);
      expect(entered).toEqual({ PATH: '/bin', TRACEPARENT: `00-${NEW_TRACE}-${NEW_SPAN}-01` });
    },
  );
});
