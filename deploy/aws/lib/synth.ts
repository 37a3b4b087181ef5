import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { build } from './app';
import { network } from './figures';
import { portTable, Topology } from './ports';

export interface Synthesized {
  /** By the name of the stack, without "risingstars-". */
  templates: Record<string, Template>;
  /** What cdk-nag and the CDK had to say. */
  findings: string[];
}

export interface Template {
  Resources: Record<string, Resource>;
  Parameters?: Record<string, unknown>;
  Outputs?: Record<string, unknown>;
}

export interface Resource {
  Type: string;
  Properties: any;
  DependsOn?: string[];
  DeletionPolicy?: string;
}

/** synth makes the templates, with settings in place of the examples. */
export function synth(context: Record<string, string> = {}): Synthesized {
  const outdir = mkdtempSync(join(tmpdir(), 'risingstars-cdk-'));
  try {
    return read(build(new App({ outdir, context, analyticsReporting: false })).synth());
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function read(assembly: CloudAssembly): Synthesized {
  const made: Synthesized = { templates: {}, findings: [] };
  for (const stack of assembly.stacks) {
    made.templates[stack.id] = stack.template as Template;
    made.findings.push(...stack.messages.filter((m) => m.level !== 'info').map((m) => `${m.id}: ${String(m.entry.data)}`));
  }
  return made;
}

/** ports is the table of ports as others read it: the documentation's test, and the rehearsal. */
export function portsFile(topology: Topology): object {
  return { topology, cidr: network.cidr, addresses: topology === 'classic' ? network.addresses : {}, rules: portTable(topology) };
}

/** write leaves the templates of both topologies, and their tables of ports, in a folder. */
export function write(folder: string): string[] {
  const findings: string[] = [];
  for (const topology of ['classic', 'elastic'] as const) {
    const made = synth({ topology });
    const to = join(folder, topology);
    mkdirSync(to, { recursive: true });
    const put = (name: string, content: object): void => writeFileSync(join(to, `${name}.json`), `${JSON.stringify(content, undefined, 1)}\n`);
    for (const [name, template] of Object.entries(made.templates)) put(name, template);
    put('ports', portsFile(topology));
    findings.push(...made.findings.map((finding) => `${topology} ${finding}`));
  }
  return findings;
}
