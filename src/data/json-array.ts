import { Tokenizer, TokenizerError, TokenParser, TokenParserError, TokenType } from '@streamparser/json';
import { DamagedFile, readUtf8 } from './json-bytes.ts';
import type { ByteSource } from './line-source.ts';

/** A record, or why there is none; `line` and `column` (characters) count from 1 and tell where it begins. */
export type JsonRow =
  | { ok: true; line: number; record: Record<string, unknown>; bytesRead: number }
  | { ok: false; line: number; column: number | null; reason: string; bytesRead: number };

type Token = Parameters<Tokenizer['onToken']>[0];
type Place = { line: number; column: number | null };

/** Longest record in bytes: what stands between a string that is never closed and reading the file into memory. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 1_000;

/** What ends the reading. */
class Stop extends Error {
  readonly place: Place;

  constructor(place: Place, reason: string) {
    super(reason);
    this.place = place;
  }
}

/** Lines and columns of offsets (bytes of UTF-8 from 0), which are asked for in increasing order. */
class Places {
  private chunk: Buffer = Buffer.alloc(0);
  private base = 0;
  private seen = 0;
  private line = 1;
  private column = 1;

  push(chunk: Buffer): void {
    this.at(this.end);
    this.base = this.end;
    this.chunk = chunk;
    this.seen = 0;
  }

  at(offset: number): { line: number; column: number } {
    for (; this.seen < offset - this.base; this.seen++) {
      const byte = this.chunk[this.seen] ?? 0;
      if (byte === 0x0a) {
        this.line += 1;
        this.column = 1;
      } else if ((byte & 0xc0) !== 0x80) {
        this.column += byte >= 0xf0 ? 2 : 1;
      }
    }
    // A token that began in the chunk before holds no line break.
    return { line: this.line, column: Math.max(this.column - Math.max(this.base + this.seen - offset, 0), 1) };
  }

  character(offset: number): string {
    const at = offset - this.base;
    return String.fromCodePoint(this.chunk.toString('utf8', at, at + 4).codePointAt(0) ?? 0xfffd);
  }

  get end(): number {
    return this.base + this.chunk.length;
  }
}

const OPENERS: readonly TokenType[] = [TokenType.LEFT_BRACE, TokenType.LEFT_BRACKET];
const CLOSERS: readonly TokenType[] = [TokenType.RIGHT_BRACE, TokenType.RIGHT_BRACKET];
const NO_VALUE: readonly TokenType[] = [...CLOSERS, TokenType.COMMA, TokenType.COLON];
/** How an object begins that stands around the list of records. */
const WRAPPER: readonly TokenType[] = [TokenType.LEFT_BRACE, TokenType.STRING, TokenType.COLON, TokenType.LEFT_BRACKET];

/** States of the parser, which its errors name, and what stands in such a place. */
const EXPECTED = new Map([
  ['VALUE', 'a value'],
  ['KEY', 'a name in double quotes'],
  ['COLON', '":"'],
  ['COMMA', '"," or the end of the list or object'],
]);

const GOES_ON =
  'the JSON text goes on after its end: write the records as one array, or, when each line is one, name the file .jsonl';
const SECOND_PROPERTY = 'the object around the list has another property: only its first one was read';

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

/** Gives the records out of the bytes of a file; what stands around the records is read here, token by token. */
class JsonRecords {
  rows: JsonRow[] = [];
  bytesRead = 0;
  private readonly places = new Places();
  private readonly tokenizer = new Tokenizer();
  private readonly values = new TokenParser({ paths: ['$'], separator: '' });
  private state: 'START' | 'OBJECT' | 'FIRST' | 'NEXT' | 'RECORD' | 'AFTER' | 'WRAPPER_END' | 'DONE' = 'START';
  private listed = false;
  private wrapped = false;
  private depth = 0;
  private held: Token[] = [];
  private start: Place = { line: 1, column: 1 };
  private startOffset = 0;
  private last = 0;

  constructor() {
    this.tokenizer.onToken = (token) => this.take(token);
    this.values.onValue = ({ value }) => this.takeValue(value);
  }

  /** Throws Stop. The messages of the tokenizer are the only place that says where it stopped. */
  write(bytes: Buffer): void {
    this.places.push(bytes);
    try {
      this.tokenizer.write(bytes);
    } catch (error) {
      if (isBadEncoding(error)) throw this.cut('not valid UTF-8');
      if (!(error instanceof TokenizerError)) throw error;
      const [, position, state = ''] = /absolute position "(\d+)"\) in state (\w+)/.exec(error.message) ?? [];
      const offset = Number(position ?? this.last);
      const inString = /^STRING_(AFTER|UNICODE)/.test(state) ? 'bad escape' : 'control character';
      const unexpected = `unexpected ${JSON.stringify(this.places.character(offset))}`;
      const reason = state.startsWith('STRING') ? `${inString} in a string` : unexpected;
      throw new Stop(this.places.at(offset), `not valid JSON: ${reason}`);
    }
    if (this.places.end - (this.state === 'RECORD' ? this.startOffset : this.last) > MAX_RECORD_BYTES) {
      const advice = this.listed ? '' : '; write many records as one array of objects';
      throw new Stop(this.start, `the record is longer than ${MAX_RECORD_BYTES / 1024 / 1024} MiB${advice}`);
    }
  }

  /** Throws Stop when the text ends too early. */
  end(gzip: boolean): void {
    try {
      this.tokenizer.end();
    } catch (error) {
      if (!(error instanceof TokenizerError)) throw error;
    }
    if (this.state === 'DONE') return;
    if (gzip) throw this.cut('the compressed file is cut short');
    const here = this.places.at(this.places.end);
    if (this.state === 'START' && this.last === 0) throw new Stop(here, 'the file holds no JSON text');
    const end = this.state === 'RECORD' || !this.listed ? 'inside a record' : 'before its list of records does';
    throw new Stop(here, `not valid JSON: the file ends ${end}`);
  }

  /** Nothing can be read from here on. */
  cut(why: string): Stop {
    const place = this.state === 'RECORD' ? this.start : this.places.at(this.last);
    return new Stop({ line: place.line, column: null }, `${why}; rows from this line on are missing`);
  }

  private unexpected(token: Token, expected: string): Stop {
    const found = JSON.stringify(token.value).slice(0, 40);
    return new Stop(this.places.at(token.offset), `not valid JSON: unexpected ${found}, expected ${expected}`);
  }

  private take(token: Token): void {
    this.last = token.offset;
    if (this.state === 'RECORD') this.feed(token);
    else if (this.state === 'OBJECT') this.look(token);
    else if (this.state === 'START') this.open(token);
    else if (this.state === 'FIRST' && token.token === TokenType.RIGHT_BRACKET) this.close();
    else if (this.state === 'FIRST' || this.state === 'NEXT') this.element(token);
    else if (this.state === 'AFTER') this.separate(token);
    else if (this.state === 'WRAPPER_END' && token.token === TokenType.RIGHT_BRACE) this.state = 'DONE';
    else throw new Stop(this.places.at(token.offset), this.state === 'DONE' ? GOES_ON : SECOND_PROPERTY);
  }

  private element(token: Token): void {
    if (NO_VALUE.includes(token.token)) throw this.unexpected(token, 'a value');
    this.begin(this.places.at(token.offset), [token]);
  }

  private separate(token: Token): void {
    if (token.token === TokenType.RIGHT_BRACKET) this.close();
    else if (token.token === TokenType.COMMA) this.state = 'NEXT';
    else throw this.unexpected(token, '"," or "]"');
  }

  private open(token: Token): void {
    this.start = this.places.at(token.offset);
    if (token.token === TokenType.LEFT_BRACKET) {
      this.listed = true;
      this.state = 'FIRST';
    } else if (token.token === TokenType.LEFT_BRACE) {
      this.startOffset = token.offset;
      this.held = [token];
      this.state = 'OBJECT';
    } else if (NO_VALUE.includes(token.token)) {
      throw this.unexpected(token, 'a value');
    } else {
      throw new Stop(this.start, `the file holds ${kindOf(token.value)}, not an array of objects`);
    }
  }

  /** An object whose first property is a list stands around the records; any other is a record itself. */
  private look(token: Token): void {
    this.held.push(token);
    if (token.token !== WRAPPER[this.held.length - 1]) {
      this.begin(this.start, this.held);
    } else if (this.held.length === WRAPPER.length) {
      this.listed = true;
      this.wrapped = true;
      this.state = 'FIRST';
    }
  }

  private close(): void {
    this.state = this.wrapped ? 'WRAPPER_END' : 'DONE';
  }

  private begin(start: Place, tokens: Token[]): void {
    this.start = start;
    this.startOffset = tokens[0]?.offset ?? this.last;
    this.depth = 0;
    this.state = 'RECORD';
    for (const token of tokens) this.feed(token);
  }

  private feed(token: Token): void {
    if (OPENERS.includes(token.token)) this.depth += 1;
    else if (CLOSERS.includes(token.token)) this.depth -= 1;
    if (this.depth > MAX_DEPTH) throw new Stop(this.start, `the record is nested deeper than ${MAX_DEPTH} levels`);
    try {
      this.values.write(token);
    } catch (error) {
      if (!(error instanceof TokenParserError)) throw error;
      const state = /in state (\w+)/.exec(error.message)?.[1] ?? '';
      throw this.unexpected(token, EXPECTED.get(state) ?? 'something else');
    }
  }

  private takeValue(value: unknown): void {
    const { line, column } = this.start;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      // A JSON object has string keys; its values are unknown until the caller checks them.
      this.rows.push({ ok: true, line, record: value as Record<string, unknown>, bytesRead: this.bytesRead });
    } else {
      const reason = `the list holds ${kindOf(value)}, not an object`;
      this.rows.push({ ok: false, line, column, reason, bytesRead: this.bytesRead });
    }
    this.state = this.listed ? 'AFTER' : 'DONE';
  }
}

function isBadEncoding(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
}

/**
 * Reads the objects of a JSON file one by one, in constant memory: of an array, of the array that is the only property
 * of an object, or one object alone. An element that is no object comes out as `ok: false` and reading goes on. An
 * error of syntax or of encoding, an element over 16 MiB and a file that is cut short end it with such a row.
 */
export async function* readJsonRecords(file: ByteSource, encoding: string | undefined): AsyncGenerator<JsonRow> {
  const records = new JsonRecords();
  let stop: Stop | null = null;
  try {
    let packed = false;
    for await (const { bytes, bytesRead, gzip } of readUtf8(file, encoding)) {
      records.bytesRead = bytesRead;
      packed = gzip;
      records.write(bytes);
      yield* records.rows;
      records.rows = [];
    }
    records.end(packed);
  } catch (error) {
    if (error instanceof Stop) stop = error;
    else if (error instanceof DamagedFile) stop = records.cut(error.message);
    else if (isBadEncoding(error)) stop = records.cut(`not valid ${encoding ?? 'UTF-16'}`);
    else throw error;
  }
  yield* records.rows;
  if (stop !== null) yield { ok: false, ...stop.place, reason: stop.message, bytesRead: records.bytesRead };
}
