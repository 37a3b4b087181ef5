// The data model, read from the migrations and written as a diagram of Mermaid.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { here } from './hosts';

interface Table {
  columns: string[];
  references: string[];
}

/** readMigrations is what the tables are after all of them, on PostgreSQL. */
export function readMigrations(folder = join(here, '../../internal/store/migrations/postgres')): Map<string, Table> {
  const tables = new Map<string, Table>();
  for (const file of readdirSync(folder).sort()) {
    const up = readFileSync(join(folder, file), 'utf8').split('-- +goose Down')[0]
      .replace(/-- \+goose StatementBegin[\s\S]*?-- \+goose StatementEnd/g, '') // functions, and triggers' bodies
      .replace(/--.*$/gm, '');
    for (const statement of up.split(';').map((s) => s.trim())) apply(tables, statement);
  }
  return tables;
}

function apply(tables: Map<string, Table>, statement: string): void {
  const created = /^CREATE TABLE (\w+) \(([\s\S]*)\)$/.exec(statement);
  if (created) {
    const table: Table = { columns: [], references: [] };
    tables.set(created[1], table);
    for (const part of split(created[2])) column(table, created[1], part);
    return;
  }
  const altered = /^ALTER TABLE (\w+)\s+([\s\S]*)$/.exec(statement);
  if (altered) {
    const table = tables.get(altered[1]);
    if (!table) throw new Error(`no table ${altered[1]}`);
    const renamed = /^RENAME TO (\w+)$/.exec(altered[2]);
    if (renamed) rename(tables, altered[1], renamed[1]);
    else for (const action of split(altered[2])) alter(table, altered[1], action);
    return;
  }
  const dropped = /^DROP TABLE (?:IF EXISTS )?(\w+)$/.exec(statement);
  if (dropped) tables.delete(dropped[1]);
  else if (!/^(CREATE (UNIQUE )?INDEX|CREATE (CONSTRAINT )?TRIGGER|DROP INDEX|INSERT|UPDATE|DELETE|WITH|SELECT|$)/.test(statement)) {
    throw new Error(`lib/schema.ts does not know what this does: ${statement}`);
  }
}

function rename(tables: Map<string, Table>, from: string, to: string): void {
  const table = tables.get(from)!;
  tables.delete(from);
  table.references = table.references.map((reference) => reference.replace(`o{ ${from} :`, `o{ ${to} :`));
  tables.set(to, table);
}

function alter(table: Table, name: string, action: string): void {
  const added = /^ADD COLUMN (?:IF NOT EXISTS )?([\s\S]*)$/.exec(action);
  const dropped = /^DROP COLUMN (?:IF EXISTS )?(\w+)/.exec(action);
  if (added) column(table, name, added[1]);
  else if (dropped) table.columns = table.columns.filter((c) => c.split(' ')[1] !== dropped[1]);
  else if (!/^(ALTER COLUMN|ADD CONSTRAINT|DROP CONSTRAINT|ADD CHECK)/.test(action)) throw new Error(`lib/schema.ts does not know: ${action}`);
}

/** split parts a list at its commas, but not within parentheses. */
function split(list: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const c of list) {
    if (c === '(') depth++;
    if (c === ')') depth--;
    if (c === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function column(table: Table, name: string, text: string): void {
  const together = /^PRIMARY KEY \(([^)]*)\)/.exec(text);
  if (together) {
    const keys = together[1].split(',').map((key) => key.trim());
    table.columns = table.columns.map((c) => (keys.includes(c.split(' ')[1]) ? `${c} PK` : c));
    return;
  }
  if (/^(CHECK|UNIQUE|FOREIGN KEY|CONSTRAINT)\b/.test(text)) return;
  const [column, type] = text.split(/\s+/);
  const reference = /\bREFERENCES (\w+)/.exec(text);
  const marks = [/\bPRIMARY KEY\b/.test(text) && 'PK', reference && 'FK', /\bUNIQUE\b/.test(text) && 'UK'].filter(Boolean).join(', ');
  table.columns.push(`${type} ${column}${marks && ` ${marks}`}`);
  if (reference) table.references.push(`${reference[1]} ||--o{ ${name} : ${column}`);
}

/** diagram is the data model as Mermaid has it. */
export function diagram(tables: Map<string, Table>): string {
  const lines = ['erDiagram'];
  for (const table of tables.values()) lines.push(...table.references.map((reference) => `  ${reference}`));
  for (const [name, table] of tables) {
    lines.push(`  ${name} {`, ...table.columns.map((c) => `    ${c.replace('FK PK', 'PK, FK')}`), '  }');
  }
  return lines.join('\n');
}
