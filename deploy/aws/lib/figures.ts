// Every figure of the deployment, so that each is said once.

/** Each machine: what t3.small is, on x86. */
export const host = {
  type: 't3.small',
  vcpus: 2,
  memoryGiB: 2,
  diskGiB: 50,
  /** Where Canonical keeps the number of its newest image of Ubuntu 24.04 LTS. EC2 reads it when it starts a machine. */
  image: '/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id',
  rootDevice: '/dev/sda1',
} as const;

/** PostgreSQL: what db.t4g.small is. */
export const database = {
  version: '17',
  class: 't4g.small',
  vcpus: 2,
  memoryGiB: 2,
  diskGiB: 100,
  name: 'risingstars',
  user: 'risingstars',
  backupDays: 7,
  /** What must stay free of the disk. */
  freeGiB: 20,
  /** Of the 200 or so that PostgreSQL allows in 2 GiB. */
  connectionsPerProcess: 16,
} as const;

/** Redis of the elastic topology; the other has it on the worker. */
export const cache = { version: '7.1', class: 'cache.t4g.micro', nodes: 2 } as const;

/** A network of our own, its first subnet with fixed addresses. NFS and Redis are found by them. */
export const network = {
  cidr: '10.42.0.0/16',
  subnetBits: 24,
  zones: 2,
  addresses: { web: '10.42.0.10', worker: '10.42.0.20', files: '10.42.0.30' },
} as const;

export const ports = { ssh: 22, http: 80, https: 443, nfs: 2049, postgres: 5432, redis: 6379 } as const;

/** How far the elastic topology goes. */
export const elastic = {
  /** firstMinutes are what a new machine gets before it must answer: packages are installed, and at first workers come before it. */
  web: { least: 2, most: 4, cpuPercent: 60, firstMinutes: 30 },
  worker: { least: 1, most: 6, jobsPerWorker: 5 },
} as const;

/** Thresholds of the alarms. */
export const alarms = {
  errorsPerMinute: 5,
  p95Seconds: 1,
  queueAgeSeconds: 600,
  diskPercent: 80,
  /** Of the credits, both of what was spent and of the month's forecast. */
  creditsPercent: 50,
} as const;

export const keep = { logDays: 14, mediaSnapshots: 7 } as const;

/** How long a deployment waits for a host to have taken a release. */
export const joinSeconds = 900;

/** What a template may be long, in bytes: more than that must lie in a bucket first. */
export const longestTemplate = 51200;
