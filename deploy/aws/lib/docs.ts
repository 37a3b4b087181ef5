// The parts of docs/aws.md that are made from the code, between <!-- NAME --> and <!-- /NAME -->.
import { join } from 'node:path';
import { here } from './hosts';
import { portTable, Topology } from './ports';
import { diagram, readMigrations } from './schema';

export const docsFile = join(here, '../../docs/aws.md');

export function made(): Record<string, string> {
  return {
    'ports classic': table('classic'),
    'ports elastic': table('elastic'),
    'data model': `\`\`\`mermaid\n${diagram(readMigrations())}\n\`\`\``,
  };
}

function table(topology: Topology): string {
  const rows = portTable(topology).map((rule) => `| ${rule.from} | ${rule.to} | ${rule.port} | ${rule.why} |`);
  return ['| from | to | TCP port | for |', '|---|---|---|---|', ...rows].join('\n');
}

/** fill puts the parts into a text. */
export function fill(text: string): string {
  for (const [name, part] of Object.entries(made())) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`docs/aws.md has no ${begin}`);
    text = `${text.slice(0, from)}${begin}\n${part}\n${text.slice(to)}`;
  }
  return text;
}
