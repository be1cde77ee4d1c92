import { pipeline, Readable } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { BYTE_ORDER_MARKS, type ByteSource, isGzip } from './line-source.ts';

export interface Utf8Chunk {
  bytes: Buffer;
  /** of the file on disk, so far */
  bytesRead: number;
  gzip: boolean;
}

/** A compressed file whose bytes cannot be unpacked. */
export class DamagedFile extends Error {}

const READ_BYTES = 64 * 1024;

/**
 * The bytes of an open file as UTF-8, in constant memory and not cut into lines: a JSON file is often one line. gzip is
 * told by its first two bytes, the encoding by a byte order mark, else `encoding` (a WHATWG label), else UTF-8. UTF-8
 * is passed on unchecked. Throws DamagedFile, and TypeError (ERR_ENCODING_INVALID_ENCODED_DATA) for another encoding.
 */
export async function* readUtf8(file: ByteSource, encoding: string | undefined): AsyncGenerator<Utf8Chunk> {
  const gzip = await isGzip(file);
  const progress = { bytesRead: 0 };
  const source = fileChunks(file, progress);
  const toUtf8 = transcoder(encoding);
  try {
    for await (const bytes of gzip ? inflate(source) : source) {
      yield { bytes: toUtf8(bytes, false), bytesRead: progress.bytesRead, gzip };
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error;
    throw new DamagedFile(`the compressed file is damaged (${error.message})`, { cause: error });
  }
  yield { bytes: toUtf8(Buffer.alloc(0), true), bytesRead: progress.bytesRead, gzip };
}

async function* fileChunks(file: ByteSource, progress: { bytesRead: number }): AsyncGenerator<Buffer> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const count = await file.read(buffer, progress.bytesRead);
    if (count === 0) return;
    progress.bytesRead += count;
    yield buffer.subarray(0, count);
  }
}

/** Inflates; a file that is cut short gives all that is there and no error, since the JSON text tells of the cut. */
function inflate(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  // The error comes out of the iteration of `gunzip` too.
  return pipeline(Readable.from(source), gunzip, () => undefined);
}

/** Turns chunks into UTF-8 without a byte order mark. */
function transcoder(encoding: string | undefined): (bytes: Buffer, last: boolean) => Buffer {
  let head: Buffer = Buffer.alloc(0);
  let decoder: InstanceType<typeof TextDecoder> | null | undefined;
  return (bytes, last) => {
    let rest = bytes;
    if (decoder === undefined) {
      head = Buffer.concat([head, bytes]);
      if (head.length < 3 && !last) return Buffer.alloc(0);
      const mark = BYTE_ORDER_MARKS.find((one) => one.bytes.every((byte, index) => head[index] === byte));
      const named = new TextDecoder(mark?.encoding ?? encoding ?? 'utf-8', { fatal: true, ignoreBOM: true });
      decoder = named.encoding === 'utf-8' ? null : named;
      rest = head.subarray(mark?.bytes.length ?? 0);
      head = Buffer.alloc(0);
    }
    return decoder === null ? rest : Buffer.from(decoder.decode(rest, { stream: !last }));
  };
}
