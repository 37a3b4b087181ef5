// host/certificate with a certbot that makes files, and a systemctl that notes what it is asked.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { here } from '../lib/hosts';

/** on runs act with a machine whose certbot is this script. */
function on(certbot: string, act: (root: string, run: (...args: string[]) => { status: number | null; said: string }) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'risingstars-certificate-'));
  try {
    for (const folder of ['bin', 'etc/risingstars', 'var/lib/nginx']) mkdirSync(join(root, folder), { recursive: true });
    for (const [name, script] of Object.entries({ certbot, systemctl: `echo "$*" >>${root}/asked` })) {
      writeFileSync(join(root, 'bin', name), `#!/bin/bash\n${script}\n`);
      chmodSync(join(root, 'bin', name), 0o755);
    }
    act(root, (...args) => {
      const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}`, RISINGSTARS_ROOT: root };
      const ran = spawnSync(join(here, 'host', 'certificate'), args, { env, encoding: 'utf8' });
      return { status: ran.status, said: ran.stdout + ran.stderr };
    });
  } finally {
    rmSync(root, { recursive: true });
  }
}

const signs = `live=$RISINGSTARS_ROOT/etc/letsencrypt/live/risingstars
mkdir -p $live && echo chain >$live/fullchain.pem && echo key >$live/privkey.pem && echo "$*" >$RISINGSTARS_ROOT/args`;

test('nginx gets what is signed, its key is for root alone, and renewals get there the same way', () =>
  on(signs, (root, run) => {
    assert.deepEqual(run('stars.test', 'me@stars.test'), { status: 0, said: '' });
    const read = (name: string): string => readFileSync(join(root, name), 'utf8');
    assert.deepEqual([read('etc/risingstars/tls.crt'), read('etc/risingstars/tls.key')], ['chain\n', 'key\n']);
    assert.equal(statSync(join(root, 'etc/risingstars/tls.key')).mode & 0o777, 0o600);
    assert.equal(read('asked'), 'reload nginx.service\n');
    const args = read('args');
    for (const want of ['--domain stars.test', '--email me@stars.test', `--webroot-path ${root}/var/lib/nginx/acme`, `--deploy-hook ${join(here, 'host', 'certificate')} put`]) {
      assert.ok(args.includes(want), args);
    }
    const template = readFileSync(join(here, '../nginx/templates/nginx.conf.template'), 'utf8');
    assert.ok(template.includes('root ${STATE_DIR}/acme;') && readFileSync(join(here, '../host/roles/web.sh'), 'utf8').includes('STATE_DIR=/var/lib/nginx '));
    writeFileSync(join(root, 'etc/letsencrypt/live/risingstars/fullchain.pem'), 'renewed\n');
    assert.equal(run('put').status, 0);
    assert.equal(read('etc/risingstars/tls.crt'), 'renewed\n');
  }));

test('where none is signed, nginx keeps what it has', () =>
  on('echo "no such name" >&2; exit 1', (root, run) => {
    writeFileSync(join(root, 'etc/risingstars/tls.crt'), 'old\n');
    const { status, said } = run('stars.test', 'me@stars.test');
    assert.deepEqual([status, said], [1, 'no such name\n']);
    assert.equal(readFileSync(join(root, 'etc/risingstars/tls.crt'), 'utf8'), 'old\n');
    assert.ok(!existsSync(join(root, 'asked')));
  }));
