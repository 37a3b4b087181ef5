// host/join against servers that speak as AWS does, and check the signature of each request.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, IncomingMessage, Server } from 'node:http';
import { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { here } from '../lib/hosts';

const hidden = 'hunter2';
const sha = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** signed says whether a request has the signature that its headers and body must have (Signature Version 4). */
function signed(request: IncomingMessage, body: string): boolean {
  const form = /^AWS4-HMAC-SHA256 Credential=ROLE\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;
  const found = form.exec(request.headers.authorization ?? '');
  if (!found) return false;
  const [, day, region, service, names, signature] = found;
  if (!names.split(';').includes('x-amz-security-token') || request.headers['x-amz-security-token'] !== 'session') return false;
  const headers = names.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join('');
  const [path, query = ''] = (request.url ?? '').split('?');
  const canonical = [request.method, path, query, headers, names, sha(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce((k: string | Buffer, part) => createHmac('sha256', k).update(part).digest(), `AWS4${hidden}`);
  return createHmac('sha256', key).update(text).digest('hex') === signature;
}

interface Machine {
  root: string;
  server: Server;
  /** What the role's settings say, and how often they are not there yet. */
  settings: { value: object; missing: number };
  archives: Record<string, Buffer>;
  asked: string[];
}

async function machine(): Promise<Machine> {
  const root = mkdtempSync(join(tmpdir(), 'risingstars-join-'));
  mkdirSync(join(root, 'etc/risingstars'), { recursive: true });
  writeFileSync(join(root, 'etc/risingstars/role'), 'web\n');
  const m: Machine = { root, server: createServer(), settings: { value: {}, missing: 0 }, archives: {}, asked: [] };
  m.server.on('request', async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const say = (status: number, content: string | Buffer): void => void response.writeHead(status).end(content);
    const url = request.url ?? '';
    if (url.startsWith('/latest/')) {
      if (request.method === 'PUT') return say(request.headers['x-aws-ec2-metadata-token-ttl-seconds'] ? 200 : 400, 'token');
      if (request.headers['x-aws-ec2-metadata-token'] !== 'token') return say(401, '');
      if (url.endsWith('/region')) return say(200, 'sa-east-1');
      if (url.endsWith('/security-credentials/')) return say(200, 'stars');
      return say(200, JSON.stringify({ AccessKeyId: 'ROLE', SecretAccessKey: hidden, Token: 'session' }));
    }
    if (!signed(request, body)) return say(403, 'signature');
    const target = String(request.headers['x-amz-target'] ?? `GET ${url}`);
    m.asked.push(target);
    if (target === 'AmazonSSM.GetParameter') {
      if (m.settings.missing-- > 0) return say(400, '{"__type":"ParameterNotFound"}');
      assert.deepEqual(JSON.parse(body), { Name: '/risingstars/web' });
      return say(200, JSON.stringify({ Parameter: { Value: JSON.stringify(m.settings.value) } }));
    }
    if (target === 'secretsmanager.GetSecretValue') return say(200, JSON.stringify({ SecretString: `${hidden}\n2`, VersionId: 'v7', asked: body }));
    const archive = m.archives[url.slice(1)];
    return archive ? say(200, archive) : say(404, '');
  });
  await new Promise<void>((resolve) => m.server.listen(0, '127.0.0.1', resolve));
  return m;
}

/** run runs host/join on the machine, and says how it ended and what it said. */
function run(m: Machine, ...args: string[]): Promise<{ status: number | null; said: string }> {
  const at = `http://127.0.0.1:${(m.server.address() as AddressInfo).port}`;
  const env = { PATH: process.env.PATH, RISINGSTARS_ROOT: m.root, RISINGSTARS_IMDS: at, RISINGSTARS_ENDPOINT: at, RISINGSTARS_JOIN_WAIT: '0', no_proxy: '*' };
  return new Promise((resolve) => {
    const child = spawn(join(here, 'host', 'join'), args, { env });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += piece));
    child.on('close', (status) => resolve({ status, said }));
  });
}

/** release makes one whose setup notes what it was given, and returns its name. */
function release(m: Machine, note: string): string {
  const folder = join(m.root, 'pack');
  mkdirSync(join(folder, 'deploy/aws/host'), { recursive: true });
  writeFileSync(join(folder, 'deploy/aws/host/setup'), `#!/bin/bash\n{ echo "${note} $1"; cat; } >>${m.root}/ran\n`, { mode: 0o755 });
  const archive = execFileSync('tar', ['-C', folder, '-cz', '.']);
  const name = `${sha(archive)}.tar.gz`;
  m.archives[name] = archive;
  m.settings.value = { bucket: 'releases', release: name };
  return name;
}

async function on(act: (m: Machine) => Promise<void>): Promise<void> {
  const m = await machine();
  try {
    await act(m);
  } finally {
    m.server.close();
    rmSync(m.root, { recursive: true });
  }
}

test('a machine fetches the release that is due and runs its role, and fetches no release twice', () =>
  on(async (m) => {
    const first = release(m, 'first');
    assert.deepEqual(await run(m), { status: 0, said: `join: fetched ${first}\njoin: this is web, of ${first}\n` });
    assert.deepEqual(await run(m), { status: 0, said: `join: this is web, of ${first}\n` });
    const second = release(m, 'second');
    await run(m);
    m.settings.value = { bucket: 'releases', release: first }; // the way back
    assert.deepEqual(await run(m), { status: 0, said: `join: this is web, of ${first}\n` });
    const ran = readFileSync(join(m.root, 'ran'), 'utf8').split('\n').filter((line) => /web$/.test(line));
    assert.deepEqual(ran, ['first web', 'first web', 'second web', 'first web']);
    assert.deepEqual(m.asked.filter((a) => a.startsWith('GET')), [`GET /${first}`, `GET /${second}`]);
  }));

test('an archive that is not what its name says is not run', () =>
  on(async (m) => {
    const name = release(m, 'first');
    m.archives[name] = Buffer.concat([m.archives[name], Buffer.from(' ')]);
    const { status, said } = await run(m);
    assert.deepEqual([status, said], [1, `join: ${name} is not what its name says\n`]);
    assert.throws(() => readFileSync(join(m.root, 'ran')));
  }));

test('without settings it says so', () =>
  on(async (m) => {
    m.settings.missing = 1;
    const { status, said } = await run(m);
    assert.equal(status, 1);
    assert.match(said, /no settings of the role web in Systems Manager/);
  }));

test('secrets are said to who asks, and their versions', () =>
  on(async (m) => {
    assert.deepEqual(await run(m, 'secret', 'arn:x'), { status: 0, said: `${hidden}\n2\n` });
    assert.deepEqual(await run(m, 'secret', 'arn:x', '--version'), { status: 0, said: 'v7\n' });
  }));
