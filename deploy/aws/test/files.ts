import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { write } from '../lib/synth';

test('templates and tables of ports are written where others can read them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'risingstars-test-'));
  try {
    assert.deepEqual(write(folder), []);
    for (const topology of ['classic', 'elastic']) {
      const names = readdirSync(join(folder, topology)).sort();
      assert.deepEqual(names, ['compute', 'costs', 'data', 'files', 'guard', 'network', 'ports', 'release'].map((n) => `${n}.json`));
      const ports = JSON.parse(readFileSync(join(folder, topology, 'ports.json'), 'utf8'));
      assert.equal(ports.topology, topology);
      assert.ok(ports.rules.length > 10);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
