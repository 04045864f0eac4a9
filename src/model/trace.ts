// W3C Trace Context (https://www.w3.org/TR/trace-context/), as much of it as a program needs that starts another one.

type Environment = Readonly<Record<string, string | undefined>>;

/** What a record keeps of it. */
export interface RecordedSpan {
  readonly trace_id: string | null;
  readonly span_id: string | null;
  readonly parent_span_id: string | null;
}

/** The trace and the span of a run, and the span it was started in. */
export interface TraceContext {
  /** 32 hex digits, not all of them 0. */
  readonly traceId: string;
  /** 16 hex digits, not all of them 0. */
  readonly spanId: string;
  /** Null where nobody handed a trace over. */
  readonly parentSpanId: string | null;
  /** Two hex digits. */
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

/** Sampled, and chosen at random. What the other bits mean is not said yet, and whoever does not know hands on zeros. */
const KNOWN_FLAGS = 0x03;

/** What stands in TRACEPARENT; null where it cannot be used, and nothing of it may be then. */
export function parseTraceparent(text: string | undefined): Omit<TraceContext, 'parentSpanId'> | null {
  const [, version, trace, span, flags = '', more] = TRACEPARENT.exec(text ?? '') ?? [];
  if (version === '00' && more !== undefined) return null;
  const ids = { traceId: traceId(trace), spanId: spanId(span) };
  return ids.traceId === null || ids.spanId === null
    ? null
    : { traceId: ids.traceId, spanId: ids.spanId, flags: knownFlags(flags) };
}

function knownFlags(flags: string): string {
  return `0${Number.parseInt(flags, 16) & KNOWN_FLAGS}`;
}

/** Of a trace that begins here: what a command records of itself would else be thrown away by libraries that do as they are told. */
const SAMPLED = '01';

/**
 * A span in the trace of `inbound`, or in one that begins here.
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
    flags: outer?.flags ?? SAMPLED,
  };
}

/**
 * The span that a record speaks of; null for one of an older version. Its flags are not on record: they are those of
 * `inbound` where that is the same trace.
 */
export function recordedTrace(
  { trace_id, span_id, parent_span_id }: RecordedSpan,
  inbound: string | undefined,
): TraceContext | null {
  if (trace_id === null || span_id === null) return null;
  const outer = parseTraceparent(inbound);
  const flags = outer?.traceId === trace_id ? outer.flags : SAMPLED;
  return { traceId: trace_id, spanId: span_id, parentSpanId: parent_span_id, flags };
}

/** The same environment for whoever is started in this span. What a vendor said of a trace counts only for that trace. */
export function enterTrace(env: Environment, trace: TraceContext): Environment {
  const entered = { ...env, TRACEPARENT: formatTraceparent(trace) };
  if (parseTraceparent(env.TRACEPARENT)?.traceId === trace.traceId) return entered;
  const { TRACESTATE: _, ...rest } = entered as Record<string, string | undefined>;
  return rest;
}

/** "00-…-…-01" */
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
