// What differs from one deployment to another: context of the CDK, which deploy/aws/aws gives it from settings.env.
import { Node } from 'constructs';
import { Topology } from './ports';

export interface Settings {
  topology: Topology;
  /** How browsers address the site. */
  domain: string;
  /** Who may use SSH. */
  adminCidr: string;
  /** Whom alarms are sent to. */
  mail: string;
  /** What was given to spend, in US dollars. */
  credits: number;
  /** The file of the release in the bucket of releases: its SHA-256 and .tar.gz. */
  release: string;
  /** Whether the machines sleep with the database. */
  idleHosts: boolean;
  /** When they sleep and wake: hours and minutes, on days as cron has them (* or MON-FRI), somewhere. */
  stopAt: string;
  startAt: string;
  days: string;
  timeZone: string;
}

/** Addresses and names that are nobody's (RFC 5737, RFC 2606), so that a template can be made without any. */
const examples = {
  topology: 'classic',
  domain: 'stars.example.org',
  adminCidr: '198.51.100.0/24',
  mail: 'organizers@example.org',
  credits: '100',
  release: `${'0'.repeat(64)}.tar.gz`,
  idleHosts: 'false',
  stopAt: '23:00',
  startAt: '07:00',
  days: '*',
  timeZone: 'America/Bogota',
};

/** Reads the context. Throws where a value cannot be what it is for. */
export function readSettings(node: Node): Settings {
  const get = (name: keyof typeof examples): string => String(node.tryGetContext(name) ?? examples[name]);
  const must = (name: keyof typeof examples, form: RegExp): string => {
    const value = get(name);
    if (!form.test(value)) throw new Error(`${name}: ${JSON.stringify(value)} is not of the form ${form}`);
    return value;
  };
  const time = /^([01]\d|2[0-3]):[0-5]\d$/;
  const adminCidr = must('adminCidr', /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/);
  if (adminCidr.endsWith('/0')) throw new Error('adminCidr: must not be everybody');
  return {
    topology: must('topology', /^(classic|elastic)$/) as Topology,
    domain: must('domain', /^[a-z0-9-]+(\.[a-z0-9-]+)+$/),
    adminCidr,
    mail: must('mail', /^[^@\s]+@[^@\s]+$/),
    credits: Number(must('credits', /^[1-9]\d*$/)),
    release: must('release', /^[0-9a-f]{64}\.tar\.gz$/),
    idleHosts: must('idleHosts', /^(true|false)$/) === 'true',
    stopAt: must('stopAt', time),
    startAt: must('startAt', time),
    days: must('days', /^(\*|[A-Z]{3}([,-][A-Z]{3})*)$/),
    timeZone: must('timeZone', /^[A-Za-z_]+(\/[A-Za-z_]+)*$/),
  };
}
