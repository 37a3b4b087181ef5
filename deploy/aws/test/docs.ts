import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { docsFile, fill } from '../lib/docs';
import * as figures from '../lib/figures';
import { both, everywhere } from './helpers';
import { here } from '../lib/hosts';
import { readMigrations } from '../lib/schema';

const docs = readFileSync(docsFile, 'utf8');

test('docs/aws.md has the data model of the migrations, and the table of ports that the security groups are made of', () => {
  assert.equal(docs, fill(docs), 'run: cd deploy/aws && node_modules/.bin/tsc -p . && node build/bin/docs.js');
});

test('migrations are read as they are meant', () => {
  const folder = mkdtempSync(join(tmpdir(), 'risingstars-schema-'));
  const read = (...files: string[]) => {
    files.forEach((text, i) => writeFileSync(join(folder, `${i}.sql`), text));
    return Object.fromEntries([...readMigrations(folder)].map(([name, t]) => [name, [...t.columns, ...t.references]]));
  };
  try {
    assert.deepEqual(
      read(
        '-- +goose Up\nCREATE TABLE a (id BIGINT PRIMARY KEY, -- one, two\n n NUMERIC(4, 2) NOT NULL UNIQUE);\nCREATE TABLE z (i INT);\nCREATE INDEX x ON a (n);\n-- +goose Down\nDROP TABLE a;',
        '-- +goose Up\nCREATE TABLE b (a_id BIGINT REFERENCES a (id), k TEXT, PRIMARY KEY (a_id, k), CHECK (k > 0));\nALTER TABLE a ADD COLUMN c TEXT, DROP COLUMN n;\nDROP TABLE z;',
      ),
      { a: ['BIGINT id PK', 'TEXT c'], b: ['BIGINT a_id FK PK', 'TEXT k PK', 'a ||--o{ b : a_id'] },
    );
    assert.throws(() => read('-- +goose Up\nALTER TABLE nobody ADD COLUMN c TEXT;'), /no table nobody/);
    assert.throws(() => read('-- +goose Up\nCREATE VIEW v AS SELECT 1;'), /does not know what this does/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the sums of the costs are right, and are those of what is deployed', () => {
  const tables = docs.split('\n| what |').slice(1);
  assert.equal(tables.length, 2);
  for (const table of tables) {
    let sum = 0;
    const rows = table.split('\n\n')[0].split('\n').slice(2);
    for (const row of rows) {
      const [, what, how, month] = row.split('|').map((cell) => cell.trim());
      if (what === '**together**') {
        assert.equal(month, `**${sum.toFixed(2)}**`, 'the sum');
        continue;
      }
      const product = how.split('+').map((p) => p.split('×').map((n) => Number(/[\d.]+/.exec(n.replace('$', ''))?.[0])).reduce((a, b) => a * b, 1));
      const value = product.reduce((a, b) => a + b, 0);
      assert.equal(month, value.toFixed(2), `${what}: ${how}`);
      sum += Number(month);
    }
    assert.match(table, new RegExp(`${figures.host.type.replace('.', '\\.')}`));
    assert.match(table, new RegExp(figures.database.class.replace('.', '\\.')));
  }
});

test('what is counted in the costs is what is deployed', () => {
  const [small, large] = docs.split('\n| what |').slice(1);
  for (const [table, made] of [[small, both.classic], [large, both.elastic]] as const) {
    const count = (type: string): number => everywhere(made, type).length;
    assert.ok(table.includes(`| secrets | ${count('AWS::SecretsManager::Secret')} ×`));
    assert.ok(table.includes(`gp3 | 3 × ${figures.host.diskGiB} GB`));
    assert.ok(table.includes(`| ${figures.database.diskGiB} GB ×`));
    // A group grows and shrinks by two alarms, each of which reads one metric, or those of its policy.
    const policies = everywhere(made, 'AWS::AutoScaling::ScalingPolicy').map((p) => p.Properties.TargetTrackingConfiguration.CustomizedMetricSpecification?.Metrics);
    const read = policies.map((metrics) => 2 * (metrics?.filter((m: any) => m.MetricStat).length ?? 1)).reduce((a, b) => a + b, 0);
    const alarms = count('AWS::CloudWatch::Alarm') + read;
    assert.match(table, new RegExp(`\\| alarms.*, beyond the ten that are free \\| ${alarms - 10} ×`));
  }
});

test('what the documentation tells one to run is there', () => {
  const script = readFileSync(join(here, 'aws'), 'utf8');
  const commands = [...docs.matchAll(/deploy\/aws\/aws ([a-z]+)/g)].map(([, verb]) => verb);
  assert.ok(new Set(commands).size >= 7, commands.join());
  for (const verb of commands) assert.match(script, new RegExp(`^#   deploy/aws/aws ${verb}\\b`, 'm'));
});
