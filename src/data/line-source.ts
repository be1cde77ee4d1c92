import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGunzip, type Gunzip } from 'node:zlib';

/** Longest line, and longest CSV row, in bytes. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 64 * 1024;
// gzip packs up to about 1000 to 1, so this bounds what one step can inflate to 4 MiB.
const INFLATE_BYTES = 4 * 1024;

/** One physical line without its line feed; `problem` says why there is no usable text. */
export interface SourceLine {
  line: number;
  text: string;
  problem: string | null;
}

export interface LineBatch {
  lines: SourceLine[];
  /** Bytes of the file (compressed ones when it is compressed) read so far. */
  bytesRead: number;
  /** Set on the last batch when the file ends before its data does. */
  damage: string | null;
}

/** Bytes that can be read at any place. */
export interface ByteSource {
  /** Reads bytes from a position into the buffer; how many, 0 at the end. */
  read(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** A text as the bytes of a file (UTF-8). */
export function textSource(text: string): ByteSource {
  const bytes = Buffer.from(text);
  return {
    read: async (buffer, position) => {
      // As with a file, others get their turn between two pieces.
      await nextTurn();
      return bytes.copy(buffer, 0, position);
    },
    close: async () => {},
  };
}

/** Opens a file to read it, or throws an Error whose message says what to do. */
export async function openForReading(path: string): Promise<ByteSource> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') throw new Error(`${path}: no such file; check the path`, { cause });
    if (code === 'EACCES' || code === 'EPERM') {
      throw new Error(`${path}: not readable; give this user read permission on the file`, { cause });
    }
    throw new Error(`${path}: cannot be opened (${String(code ?? cause)})`, { cause });
  }
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new Error(`${path}: is a directory; name one file in it`);
  }
  return {
    read: async (buffer, position) => (await handle.read({ buffer, position })).bytesRead,
    close: () => handle.close(),
  };
}

type ByteChunk = { bytes: Buffer; bytesRead: number; damage: string | null };

async function* sourceChunks(source: ByteSource, size: number): AsyncGenerator<ByteChunk> {
  let bytesRead = 0;
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(size);
    const count = await source.read(buffer, bytesRead);
    if (count === 0) return;
    bytesRead += count;
    yield { bytes: buffer.subarray(0, count), bytesRead, damage: null };
  }
}

function settled(gunzip: Gunzip, start: (done: (error?: Error | null) => void) => void): Promise<Error | null> {
  return new Promise((resolve) => {
    const finish = (error?: Error | null): void => {
      gunzip.off('error', finish);
      resolve(error ?? null);
    };
    gunzip.on('error', finish);
    start(finish);
  });
}

/**
 * Inflates chunk by chunk. A piped stream would throw away what it has buffered when the input turns out to be cut
 * short; here everything inflated so far is handed on first, and the damage is told after it.
 */
async function* inflate(chunks: AsyncIterable<ByteChunk>): AsyncGenerator<ByteChunk> {
  const gunzip = createGunzip();
  let out: Buffer[] = [];
  gunzip.on('data', (part: Buffer) => out.push(part));
  // Keeps a late second report from ending the process; the first one is what `settled` returns.
  gunzip.on('error', () => undefined);
  const take = (): Buffer[] => {
    const taken = out;
    out = [];
    return taken;
  };
  let bytesRead = 0;
  let error: Error | null = null;
  try {
    for await (const chunk of chunks) {
      bytesRead = chunk.bytesRead;
      error = await settled(gunzip, (done) => gunzip.write(chunk.bytes, done));
      for (const bytes of take()) yield { bytes, bytesRead, damage: null };
      if (error !== null) break;
    }
    error ??= await settled(gunzip, (done) => gunzip.once('end', () => done()).end());
    for (const bytes of take()) yield { bytes, bytesRead, damage: null };
  } finally {
    gunzip.destroy();
  }
  if (error === null) return;
  const cut = 'code' in error && error.code === 'Z_BUF_ERROR';
  const damage = cut ? 'the compressed file is cut short' : `the compressed file is damaged (${error.message})`;
  yield { bytes: Buffer.alloc(0), bytesRead, damage };
}

/** How a file's first bytes tell its encoding. */
export const BYTE_ORDER_MARKS: { encoding: string; bytes: number[] }[] = [
  { encoding: 'utf-8', bytes: [0xef, 0xbb, 0xbf] },
  { encoding: 'utf-16le', bytes: [0xff, 0xfe] },
  { encoding: 'utf-16be', bytes: [0xfe, 0xff] },
];

/** Cuts bytes into lines and decodes each line alone, so a bad byte costs one line and is never replaced silently. */
class LineSplitter {
  private parts: Buffer[] = [];
  private size = 0;
  private line = 1;
  private readonly encoding: string;
  private readonly decoder: InstanceType<typeof TextDecoder>;
  private readonly lenient: InstanceType<typeof TextDecoder>;
  private readonly unit: 1 | 2;
  private readonly lineFeedAt: 0 | 1;

  constructor(encoding: string) {
    this.decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
    this.lenient = new TextDecoder(encoding, { ignoreBOM: true });
    this.encoding = this.decoder.encoding;
    this.unit = this.encoding.startsWith('utf-16') ? 2 : 1;
    this.lineFeedAt = this.encoding === 'utf-16be' ? 1 : 0;
  }

  /** Index of the next line feed unit at or after `from`, which is a multiple of the unit size. */
  private nextLineFeed(bytes: Buffer, from: number): number {
    if (this.unit === 1) return bytes.indexOf(0x0a, from);
    for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
      const start = at - this.lineFeedAt;
      if (start % 2 === 0 && bytes[start + 1 - this.lineFeedAt] === 0) return start;
    }
    return -1;
  }

  private keep(bytes: Buffer): void {
    this.size += bytes.length;
    if (this.size > MAX_LINE_BYTES) this.parts = [];
    else if (bytes.length > 0) this.parts.push(bytes);
  }

  private finishLine(): SourceLine {
    const line = this.line;
    const tooLong = this.size > MAX_LINE_BYTES;
    const bytes = Buffer.concat(this.parts);
    this.parts = [];
    this.size = 0;
    this.line += 1;
    if (tooLong) return { line, text: '', problem: `the line is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB` };
    try {
      return { line, text: this.decoder.decode(bytes), problem: null };
    } catch {
      return {
        line,
        text: this.lenient.decode(bytes),
        problem: `the line is not valid ${this.encoding.toUpperCase()}`,
      };
    }
  }

  /** Takes bytes; for a two-byte encoding the caller keeps them aligned. Returns the lines that are now complete. */
  push(bytes: Buffer): SourceLine[] {
    const lines: SourceLine[] = [];
    let from = 0;
    for (let at = this.nextLineFeed(bytes, 0); at !== -1; at = this.nextLineFeed(bytes, from)) {
      this.keep(bytes.subarray(from, at));
      lines.push(this.finishLine());
      from = at + this.unit;
    }
    // A copy, so that a short tail does not hold on to a whole read buffer for as long as the line grows.
    this.keep(Buffer.from(bytes.subarray(from)));
    return lines;
  }

  end(): SourceLine[] {
    return this.size > 0 ? [this.finishLine()] : [];
  }

  get alignment(): number {
    return this.unit;
  }

  get nextLine(): number {
    return this.line;
  }
}

function splitterFor(head: Buffer, encoding: string | undefined): { splitter: LineSplitter; rest: Buffer } {
  const mark = BYTE_ORDER_MARKS.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte));
  const splitter = new LineSplitter(mark?.encoding ?? encoding ?? 'utf-8');
  return { splitter, rest: mark === undefined ? head : head.subarray(mark.bytes.length) };
}

/** Puts a first read in front of the rest again once its magic number was looked at. */
async function* chunksOf(source: ByteSource): AsyncGenerator<ByteChunk> {
  const gzip = await isGzip(source);
  yield* gzip ? inflate(sourceChunks(source, INFLATE_BYTES)) : sourceChunks(source, READ_BYTES);
}

/** Told by the first two bytes. */
export async function isGzip(source: ByteSource): Promise<boolean> {
  const magic = Buffer.alloc(2);
  return (await source.read(magic, 0)) === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
}

/**
 * Lines of an open file in batches, in constant memory. gzip is told by its first two bytes, the encoding by a byte
 * order mark, else `encoding` (a WHATWG label), else UTF-8. After damage the unfinished last line is left out.
 */
export async function* readLines(source: ByteSource, encoding: string | undefined): AsyncGenerator<LineBatch> {
  let splitter: LineSplitter | null = null;
  let held: Buffer = Buffer.alloc(0);
  let bytesRead = 0;
  for await (const chunk of chunksOf(source)) {
    bytesRead = chunk.bytesRead;
    if (chunk.damage !== null) {
      const line = splitter?.nextLine ?? 1;
      yield { lines: [{ line, text: '', problem: chunk.damage }], bytesRead, damage: chunk.damage };
      return;
    }
    let bytes: Buffer = held.length > 0 ? Buffer.concat([held, chunk.bytes]) : chunk.bytes;
    held = Buffer.alloc(0);
    if (splitter === null) {
      if (bytes.length < 3) {
        held = bytes;
        continue;
      }
      ({ splitter, rest: bytes } = splitterFor(bytes, encoding));
    }
    const odd = bytes.length % splitter.alignment;
    held = Buffer.from(bytes.subarray(bytes.length - odd));
    yield { lines: splitter.push(bytes.subarray(0, bytes.length - odd)), bytesRead, damage: null };
  }
  const last = splitter === null ? splitterFor(held, encoding) : { splitter, rest: held };
  yield { lines: [...last.splitter.push(last.rest), ...last.splitter.end()], bytesRead, damage: null };
}
