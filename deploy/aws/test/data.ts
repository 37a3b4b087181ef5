import assert from 'node:assert/strict';
import { test } from 'node:test';
import { both, elastic, everywhere, of, only, written } from './helpers';

for (const topology of ['classic', 'elastic'] as const) {
  const { templates } = both[topology];

  test(`${topology}: PostgreSQL 17 with 2 processors, 2 GiB and 100 GB, encrypted, kept, in private subnets`, () => {
    const p = only(templates.data, 'AWS::RDS::DBInstance').Properties;
    assert.equal(p.Engine, 'postgres');
    assert.equal(p.EngineVersion, '17');
    assert.equal(p.DBInstanceClass, 'db.t4g.small'); // 2 vCPU, 2 GiB
    assert.equal(p.AllocatedStorage, '100');
    assert.equal(p.StorageType, 'gp3');
    assert.equal(p.StorageEncrypted, true);
    assert.equal(p.BackupRetentionPeriod, 7);
    assert.equal(p.DeletionProtection, true);
    assert.equal(p.PubliclyAccessible, false);
    assert.equal(p.MultiAZ, topology === 'elastic');
    const subnets = only(templates.data, 'AWS::RDS::DBSubnetGroup').Properties.SubnetIds;
    assert.equal(subnets.length, 2);
    for (const subnet of subnets) assert.match(JSON.stringify(subnet), /data/);
  });

  test(`${topology}: the database takes TLS only, and the program checks whom it speaks to`, () => {
    const parameters = only(templates.data, 'AWS::RDS::DBParameterGroup').Properties;
    assert.deepEqual([parameters.Family, parameters.Parameters], ['postgres17', { 'rds.force_ssl': '1' }]);
    for (const role of ['web', 'worker']) assert.match(settingsOf(role), /sslmode=verify-full&sslrootcert=\/etc\/risingstars\/rds\.pem/);
  });

  test(`${topology}: no secret is in a template or in user data`, () => {
    for (const secret of of(templates.data, 'AWS::SecretsManager::Secret').map(([, s]) => s.Properties)) {
      assert.ok(secret.GenerateSecretString);
      assert.equal(secret.SecretString, undefined);
    }
    assert.equal(everywhere(both[topology], 'AWS::SecretsManager::Secret').length, 4);
    const p = only(templates.data, 'AWS::RDS::DBInstance').Properties;
    assert.match(written(p.MasterUserPassword), /^\{\{resolve:secretsmanager:/);
    for (const [stack, template] of Object.entries(templates)) {
      walk(template, (key, value) => {
        if (!/password|token|secret/i.test(key) || typeof value !== 'string') return;
        if (key === 'SecretStringTemplate') return assert.equal(value, '{"username":"risingstars"}');
        assert.match(value, /^\{\{resolve:|^required$|^arn:/, `${stack}: ${key} is ${value}`);
      });
    }
  });

  test(`${topology}: what the program is told has references in the place of secrets`, () => {
    for (const role of ['web', 'worker']) {
      const text = settingsOf(role);
      const names = ['DATABASE_PASSWORD', 'REDIS_PASSWORD', 'SECRET_KEY', ...(role === 'web' ? ['ORGANIZER_PASSWORD'] : [])];
      for (const name of names) assert.match(text, new RegExp(`"${name}":"awssm://`));
      assert.doesNotMatch(text, /:\/\/[^"@/]*:[^"@/]+@/, 'a URL has a password');
      assert.ok(text.length < 4096, 'longer than a parameter may be');
    }
  });

  const settingsOf = (role: string): string => {
    const found = of(templates.release, 'AWS::SSM::Parameter').find(([, p]) => p.Properties.Name === `/risingstars/${role}`);
    assert.ok(found);
    return written(found[1].Properties.Value);
  };

  test(`${topology}: "destroy" leaves nothing`, () => {
    for (const [stack, template] of Object.entries(templates)) {
      for (const [id, resource] of Object.entries(template.Resources)) {
        assert.notEqual(resource.DeletionPolicy, 'Retain', `${stack} ${id}`);
        assert.notEqual(resource.DeletionPolicy, 'Snapshot', `${stack} ${id}`);
        if (/Bucket$|DBInstance$|Secret$|LogGroup$/.test(resource.Type)) assert.equal(resource.DeletionPolicy, 'Delete', `${stack} ${id}`);
      }
    }
    assert.equal(only(templates.data, 'AWS::RDS::DBInstance').Properties.DeleteAutomatedBackups, true);
  });
}

test('elastic: Redis has a password, TLS and a second node', () => {
  const p = only(elastic.templates.data, 'AWS::ElastiCache::ReplicationGroup').Properties;
  assert.match(written(p.AuthToken), /^\{\{resolve:secretsmanager:/);
  assert.deepEqual([p.TransitEncryptionEnabled, p.AtRestEncryptionEnabled, p.MultiAZEnabled, p.NumCacheClusters, p.Engine], [true, true, true, 2, 'redis']);
});

/** walk shows every string, and what CloudFormation joins into one, with the key it is under. */
function walk(value: any, see: (key: string, value: any) => void, key = ''): void {
  if (typeof value !== 'object' || value === null) return see(key, value);
  if (value['Fn::Join']) return see(key, written(value));
  for (const [k, v] of Object.entries(value)) walk(v, see, Array.isArray(value) ? key : k);
}
