// deploy/aws/aws with a command "aws" that only notes what it is asked, since there is no account to try it on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { here } from '../lib/hosts';

const hidden = 'hunter2';

/** What the noting command answers, by how its arguments begin. */
const answers: Record<string, string> = {
  'cloudwatch describe-alarms': 'risingstars-Errors',
  'scheduler list-schedules': 'risingstars-Database-off risingstars-Database-on',
  'scheduler get-schedule': JSON.stringify({ Arn: 'arn', CreationDate: 1, LastModificationDate: 2, Name: 'risingstars-Database-on', State: 'x', Target: { Arn: 't' } }),
  'ec2 describe-instances': 'i-1 i-2',
  'secretsmanager get-random-password': hidden,
  'secretsmanager get-secret-value': '{"username":"stars","password":"old"}',
  'cloudformation describe-stacks': 'output',
  'ssm list-associations': 'id',
};

interface Done {
  status: number | null;
  said: string;
  calls: string[];
  inputs: any[];
}

function command(args: string[], settings: Record<string, string> = {}): Done {
  const folder = mkdtempSync(join(tmpdir(), 'risingstars-aws-'));
  try {
    const cases = Object.entries(answers).map(([call, answer]) => `"${call}"*) printf '%s\\n' '${answer}' ;;`);
    writeFileSync(
      join(folder, 'aws'),
      `#!/bin/bash\necho "$*" >>${folder}/calls\nfor a in "$@"; do case $a in file://*) cat "\${a#file://}" >>${folder}/inputs ;; esac; done\ncase "$*" in\n${cases.join('\n')}\nesac\n`,
      { mode: 0o755 },
    );
    const all = { REGION: 'sa-east-1', DOMAIN: 'stars.test', ADMIN_CIDR: '203.0.113.7/32', MAIL: 'me@stars.test', CREDITS: '50', ...settings };
    writeFileSync(join(folder, 'settings'), Object.entries(all).map(([k, v]) => `${k}=${v}\n`).join(''));
    writeFileSync(join(folder, 'calls'), '');
    writeFileSync(join(folder, 'inputs'), '');
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, RISINGSTARS_AWS_SETTINGS: join(folder, 'settings') };
    const ran = spawnSync(join(here, 'aws'), args, { env, encoding: 'utf8' });
    const lines = (name: string): string[] => readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line !== '');
    return { status: ran.status, said: ran.stdout + ran.stderr, calls: lines('calls'), inputs: lines('inputs').map((line) => JSON.parse(line)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** changes are the calls that change something. */
const changes = (done: Done): string[] => done.calls.filter((call) => !/ (describe|list|get)-/.test(call)).map((call) => call.replace(/file:\S+/, 'FILE'));

const heed = (what: string): string[] => ['sa-east-1', 'us-east-1'].map((r) => `cloudwatch ${what}-alarm-actions --region ${r} --alarm-names risingstars-Errors`);
const wake = ['sa-east-1', 'us-east-1'].map((r) => `scheduler update-schedule --region ${r} --cli-input-json FILE`);
const database = ['--db-instance-identifier risingstars'];

test('stop silences alarms, keeps the schedule from waking things up, and stops the database', () => {
  const done = command(['stop']);
  assert.deepEqual([done.status, changes(done)], [0, [...heed('disable'), ...wake, `rds stop-db-instance ${database}`]]);
  for (const input of done.inputs) assert.deepEqual(input, { Name: 'risingstars-Database-on', State: 'DISABLED', Target: { Arn: 't' } });
});

test('stop hosts stops the machines too', () => {
  assert.ok(changes(command(['stop', 'hosts'])).includes('ec2 stop-instances --instance-ids i-1 i-2'));
  const elastic = changes(command(['stop', 'hosts'], { TOPOLOGY: 'elastic' })).filter((call) => /^(ec2|autoscaling)/.test(call));
  assert.deepEqual(elastic, Array(2).fill('autoscaling update-auto-scaling-group --auto-scaling-group-name output --min-size 0 --desired-capacity 0'));
});

test('start undoes it, the database first', () => {
  const done = command(['start']);
  assert.deepEqual(
    [done.status, changes(done)],
    [0, [`rds start-db-instance ${database}`, `rds wait db-instance-available ${database}`, 'ec2 start-instances --instance-ids i-1 i-2', ...wake, ...heed('enable')]],
  );
  for (const input of done.inputs) assert.equal(input.State, 'ENABLED');
});

test('rotate gives database and secret the same new password, in no argument, and has the hosts take it', () => {
  const done = command(['rotate', 'database']);
  assert.equal(done.status, 0, done.said);
  assert.deepEqual(done.inputs, [
    { DBInstanceIdentifier: 'risingstars', MasterUserPassword: hidden, ApplyImmediately: true },
    { SecretId: 'output', SecretString: `{"username":"stars","password":"${hidden}"}` },
  ]);
  assert.equal(done.calls.filter((call) => call.startsWith('ssm start-associations-once')).length, 2);
  assert.ok(!`${done.said}${done.calls}`.includes(hidden));
});

test('what would go wrong is refused before anything is asked of AWS', () => {
  const refused: [string[], Record<string, string>, RegExp][] = [
    [['down'], {}, /this destroys all data/],
    [['down', 'other.test'], {}, /this destroys all data/],
    [['rotate', 'all'], {}, /usage/],
    [['rotate', 'redis'], { TOPOLOGY: 'elastic' }, /ElastiCache/],
    [['stop'], { DOMAIN: 'stars.example.org' }, /values of the example/],
    [['grow'], {}, /usage/],
  ];
  for (const [args, settings, want] of refused) {
    const done = command(args, settings);
    assert.deepEqual([done.status, done.calls], [1, []], args.join(' '));
    assert.match(done.said, want);
  }
});
