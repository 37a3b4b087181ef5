// Who may connect to whom: the only source of the security groups, and of ports.json.
import { ports } from './figures';

export type Topology = 'classic' | 'elastic';

/** Parties with a security group of their own. */
export type Member = 'web' | 'worker' | 'files' | 'database' | 'balancer' | 'cache';

/** "admin" is the network that was given, "world" everybody. */
export type Party = Member | 'admin' | 'world';

export interface Rule {
  from: Party;
  to: Party;
  port: number;
  why: string;
}

const all = { web: true, worker: true, files: true, database: true, balancer: true, cache: true };

export function isMember(party: Party): party is Member {
  return party in all;
}

export function members(topology: Topology): Member[] {
  return topology === 'classic' ? ['web', 'worker', 'files', 'database'] : ['balancer', 'web', 'worker', 'cache', 'database'];
}

/** The parties that are machines of ours. */
export function machines(topology: Topology): Member[] {
  return topology === 'classic' ? ['web', 'worker', 'files'] : ['web', 'worker'];
}

/** All connections that are allowed; what is not here is refused. All are TCP. */
export function portTable(topology: Topology): Rule[] {
  const within = topology === 'classic' ? classic : elastic;
  const outward = machines(topology).flatMap((from): Rule[] => [
    { from, to: 'world', port: ports.http, why: 'packages of Ubuntu' },
    { from, to: 'world', port: ports.https, why: 'AWS and packages' },
  ]);
  const ssh = machines(topology).map((to): Rule => ({ from: 'admin', to, port: ports.ssh, why: 'SSH' }));
  return [...within, ...ssh, ...outward];
}

const classic: Rule[] = [
  { from: 'world', to: 'web', port: ports.http, why: 'leads to HTTPS' },
  { from: 'world', to: 'web', port: ports.https, why: 'the site' },
  { from: 'web', to: 'files', port: ports.nfs, why: 'media' },
  { from: 'worker', to: 'files', port: ports.nfs, why: 'media' },
  { from: 'web', to: 'worker', port: ports.redis, why: 'Redis' },
  { from: 'worker', to: 'worker', port: ports.redis, why: 'Redis' },
  { from: 'web', to: 'database', port: ports.postgres, why: 'PostgreSQL' },
  { from: 'worker', to: 'database', port: ports.postgres, why: 'PostgreSQL' },
];

const elastic: Rule[] = [
  { from: 'world', to: 'balancer', port: ports.http, why: 'leads to HTTPS' },
  { from: 'world', to: 'balancer', port: ports.https, why: 'the site' },
  { from: 'balancer', to: 'web', port: ports.https, why: 'the site' },
  { from: 'web', to: 'cache', port: ports.redis, why: 'Redis' },
  { from: 'worker', to: 'cache', port: ports.redis, why: 'Redis' },
  { from: 'web', to: 'database', port: ports.postgres, why: 'PostgreSQL' },
  { from: 'worker', to: 'database', port: ports.postgres, why: 'PostgreSQL' },
];
