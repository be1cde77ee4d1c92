import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * A response with headers that stand in it whoever answers, unless the answer has one of its own by that name. They are
 * written together with the answer's: that is a third of what it costs to set each.
 */
export class HeadedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  readonly #always: string[] = [];

  /** `name` in lower case. */
  always(name: string, value: string): void {
    this.#always.push(name, value);
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    const given = rest.at(-1);
    const headers = isHeaders(given) ? given : {};
    const isPlain = rest.length === 0 || (rest.length === 1 && isHeaders(given));
    if (!isPlain || this.getHeaderNames().length > 0) {
      this.#each((name, value) => {
        if (!this.hasHeader(name) && !(name in headers)) this.setHeader(name, value);
      });
      return super.writeHead(status, ...(rest as []));
    }
    const all: string[] = [];
    this.#each((name, value) => {
      if (!(name in headers)) all.push(name, value);
    });
    for (const name in headers) {
      const value = headers[name];
      if (Array.isArray(value)) for (const one of value) all.push(name, one);
      else if (value !== undefined) all.push(name, String(value));
    }
    return super.writeHead(status, all);
  }

  #each(take: (name: string, value: string) => void): void {
    for (let i = 0; i + 1 < this.#always.length; i += 2) take(this.#always[i] as string, this.#always[i + 1] as string);
  }
}

function isHeaders(given: unknown): given is OutgoingHttpHeaders {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}
