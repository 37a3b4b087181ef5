import assert from 'node:assert/strict';
import { test } from 'node:test';
import { both, everywhere, of } from './helpers';
import { Member, members, portTable, Topology } from '../lib/ports';
import { Template } from '../lib/synth';

// The rules as the issue has them, apart from lib/ports.ts: FROM TO PORT.
const wanted: Record<Topology, string[]> = {
  classic: [
    'world web 80',
    'world web 443',
    'admin web 22',
    'admin worker 22',
    'admin files 22',
    'web worker 6379',
    'worker worker 6379',
    'web files 2049',
    'worker files 2049',
    'web database 5432',
    'worker database 5432',
  ],
  elastic: [
    'world balancer 80',
    'world balancer 443',
    'balancer web 443',
    'admin web 22',
    'admin worker 22',
    'web cache 6379',
    'worker cache 6379',
    'web database 5432',
    'worker database 5432',
  ],
};

/** Rules that a template has, by direction, as FROM TO PORT. */
function rules(template: Template): { ingress: string[]; egress: string[] } {
  const name = (id: string): string => template.Resources[id].Properties.GroupDescription;
  const group = (reference: any): string => name(reference['Fn::GetAtt'][0]);
  const cidr = (text: string): string => ({ '0.0.0.0/0': 'world', '198.51.100.0/24': 'admin' })[text] ?? text;
  const port = (p: any): string => {
    assert.equal(p.IpProtocol, 'tcp');
    assert.equal(p.FromPort, p.ToPort);
    return String(p.FromPort);
  };
  const found = { ingress: [] as string[], egress: [] as string[] };
  for (const [id, resource] of Object.entries(template.Resources)) {
    const p = resource.Properties;
    switch (resource.Type) {
      case 'AWS::EC2::SecurityGroup':
        for (const rule of p.SecurityGroupIngress ?? []) found.ingress.push(`${cidr(rule.CidrIp)} ${name(id)} ${port(rule)}`);
        for (const rule of p.SecurityGroupEgress ?? []) {
          if (rule.CidrIp === '255.255.255.255/32') continue; // the CDK's way to say: nowhere
          found.egress.push(`${name(id)} ${cidr(rule.CidrIp)} ${port(rule)}`);
        }
        break;
      case 'AWS::EC2::SecurityGroupIngress':
        found.ingress.push(`${group(p.SourceSecurityGroupId)} ${group(p.GroupId)} ${port(p)}`);
        break;
      case 'AWS::EC2::SecurityGroupEgress':
        found.egress.push(`${group(p.GroupId)} ${group(p.DestinationSecurityGroupId)} ${port(p)}`);
        break;
    }
  }
  return { ingress: found.ingress.sort(), egress: found.egress.sort() };
}

for (const topology of ['classic', 'elastic'] as const) {
  const { templates } = both[topology];

  test(`${topology}: these may connect, and no others`, () => {
    assert.deepEqual(rules(templates.network).ingress, [...wanted[topology]].sort());
  });

  test(`${topology}: what may be reached may also be asked for, and beside it only updates and AWS`, () => {
    const within = wanted[topology].filter((rule) => !/^(world|admin) /.test(rule));
    const machines = topology === 'classic' ? ['web', 'worker', 'files'] : ['web', 'worker'];
    const out = machines.flatMap((name) => [`${name} world 80`, `${name} world 443`]);
    assert.deepEqual(rules(templates.network).egress, [...within, ...out].sort());
  });

  test(`${topology}: the table of ports says the same`, () => {
    const table = portTable(topology)
      .filter((rule) => rule.to !== 'world')
      .map((rule) => `${rule.from} ${rule.to} ${rule.port}`);
    assert.deepEqual(table.sort(), rules(templates.network).ingress);
  });

  test(`${topology}: there are no other security groups, and each is in use`, () => {
    assert.equal(everywhere(both[topology], 'AWS::EC2::SecurityGroup').length, members(topology).length);
    for (const [id, resource] of of(templates.network, 'AWS::EC2::SecurityGroup')) {
      const name: Member = resource.Properties.GroupDescription;
      const users = Object.entries(templates).filter(([stack, t]) => stack !== 'network' && JSON.stringify(t.Resources).includes(id));
      assert.equal(users.length, 1, `${name} is used in ${users.map(([stack]) => stack)}`);
    }
  });

  test(`${topology}: neither a gateway to pay for, nor a way from the data's subnets to the world`, () => {
    assert.deepEqual(everywhere(both[topology], 'AWS::EC2::NatGateway'), []);
    const routes = of(templates.network, 'AWS::EC2::Route').map(([, route]) => route.Properties);
    assert.ok(routes.length > 0);
    for (const route of routes) assert.match(route.RouteTableId.Ref, /hosts/);
    const subnets = of(templates.network, 'AWS::EC2::Subnet').filter(([id]) => id.includes('data'));
    assert.equal(subnets.length, 2);
    for (const [, subnet] of subnets) assert.equal(subnet.Properties.MapPublicIpOnLaunch, false);
  });
}
