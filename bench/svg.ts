/** The colours of text, rules and paper, which suit a light background. */
export const INK = '#1f2328';
export const FAINT = '#59636e';
export const RULE = '#d1d9e0';
const PAPER = '#ffffff';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
const round = (value: number) => Number(value.toFixed(1));

interface Style {
  anchor?: 'start' | 'middle' | 'end';
  weight?: 'normal' | 'bold';
  fill?: string;
  size?: number;
}

/** A text with its baseline at a place; lengths in pixels. */
export function label(x: number, y: number, text: string, { anchor, weight, fill = INK, size }: Style = {}): string {
  const more = [
    anchor && ` text-anchor="${anchor}"`,
    weight && ` font-weight="${weight}"`,
    size && ` font-size="${size}"`,
  ];
  return `<text x="${round(x)}" y="${round(y)}" fill="${fill}"${more.filter(Boolean).join('')}>${escaped(text)}</text>`;
}

export const box = (x: number, y: number, width: number, height: number, fill: string) =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;

/** A straight line. */
export const line = (x1: number, y1: number, x2: number, y2: number, stroke: string, dash = '') =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}"${dash && ` stroke-dasharray="${dash}"`}/>`;

/** A line through points. */
export const curve = (points: readonly (readonly [x: number, y: number])[], stroke: string) =>
  `<polyline points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}" fill="none" stroke="${stroke}" stroke-width="1.5"/>`;

/** A whole picture, `title` for those who hear it. */
export function picture(width: number, height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif" font-size="12">
<title>${escaped(title)}</title>
${box(0, 0, width, height, PAPER)}
${parts.join('\n')}
</svg>
`;
}

/** Round numbers from 0 to at least `most`, about five of them: steps of 1, 2 or 5 times a power of ten. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
}
