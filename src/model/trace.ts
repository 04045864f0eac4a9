// W3C Trace Context (https://www.w3.org/TR/trace-context/), as much of it as a program needs that starts another one.

/** The trace and the span of a run, and the span it was started in. */
export interface TraceContext {
  /** 32 hex digits, not all of them 0. */
  readonly traceId: string;
  /** 16 hex digits, not all of them 0. */
  readonly spanId: string;
  /** Null where nobody handed a trace over. */
  readonly parentSpanId: string | null;
  /** Two hex digits, handed on as they came. */
  readonly flags: string;
}

/** 32 hex digits, not all of them 0; null for anything else. */
export function traceId(value: unknown): string | null {
  return typeof value === 'string' && /^(?!0{32})[0-9a-f]{32}$/.test(value) ? value : null;
}

/** 16 hex digits, not all of them 0; null for anything else. */
export function spanId(value: unknown): string | null {
  return typeof value === 'string' && /^(?!0{16})[0-9a-f]{16}$/.test(value) ? value : null;
}

/** The only version there is; a later one is read as far as it is this one. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What stands in TRACEPARENT; null where it cannot be used, and nothing of it may be then. */
export function parseTraceparent(text: string | undefined): Omit<TraceContext, 'parentSpanId'> | null {
  const [, version, trace, span, flags = '', more] = TRACEPARENT.exec(text ?? '') ?? [];
  if (version === '00' && more !== undefined) return null;
  const ids = { traceId: traceId(trace), spanId: spanId(span) };
  return ids.traceId === null || ids.spanId === null
    ? null
    : { traceId: ids.traceId, spanId: ids.spanId, flags };
}

/**
 * A span in the trace of `inbound`, or in one that begins here. A new trace is marked as sampled: what a command records
 * of itself would else be thrown away by libraries that do as they are told.
 *
 * @param random 24 bytes.
 */
export function makeTrace(inbound: string | undefined, random: Uint8Array): TraceContext {
  const outer = parseTraceparent(inbound);
  const hex = hexOf(random);
  return {
    traceId: outer?.traceId ?? notZero(hex.slice(0, 32)),
    spanId: notZero(hex.slice(32, 48)),
    parentSpanId: outer?.spanId ?? null,
    flags: outer?.flags ?? '01',
  };
}

/** TRACEPARENT of whoever is started in this span. */
export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags}`;
}

function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** All zeros mean "none". */
function notZero(hex: string): string {
  return /[^0]/.test(hex) ? hex : `${hex.slice(1)}1`;
}
