// The floor: what the work costs without GraphQL. One statement for each scenario, whose JSON goes out as it comes.
import { FLOOR } from './floor-statements.ts';
import { openPool, serve, settings } from './serving.ts';

const { tenantId } = settings();
const pool = openPool();

serve((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    answer(Buffer.concat(chunks).toString()).then(
      (body) => {
        res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
      },
      (error: unknown) => res.writeHead(500).end(String(error)),
    );
  });
});

async function answer(body: string): Promise<string> {
  const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
  const statement = FLOOR[query];
  if (!statement) throw new Error(`no statement ${query}`);
  const values = [tenantId, ...statement.parameters.map((name) => variables[name])];
  const { rows } = await pool.query<{ data: string }>({ name: query, text: statement.text, values });
  return `{"data":${rows[0]?.data}}`;
}
