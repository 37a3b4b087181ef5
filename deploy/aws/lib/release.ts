import { createHash } from 'node:crypto';
import { Stack, StackProps } from 'aws-cdk-lib';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { Data } from './data';
import { database, joinSeconds, network as figures, ports } from './figures';
import { Files } from './files';
import { parameterName, Role, roleTag } from './hosts';
import { Settings } from './settings';

interface Props extends StackProps {
  settings: Settings;
  data: Data;
  files: Files;
}

/** What the hosts run, and with which settings. An update changes this stack alone, and no machine. */
export class Release extends Stack {
  constructor(scope: Construct, id: string, private readonly props: Props) {
    super(scope, id, props);
    const roles: Role[] = props.settings.topology === 'classic' ? ['files', 'worker', 'web'] : ['worker', 'web'];
    let before: ssm.CfnAssociation | undefined;
    for (const role of roles) {
      const parameter = new ssm.StringParameter(this, `${role}-settings`, {
        parameterName: parameterName(role),
        description: `What the hosts of the role ${role} run`,
        stringValue: this.toJsonString(this.what(role)),
      });
      const association = this.hand(role);
      association.node.addDependency(parameter);
      if (before) association.addDependency(before); // media first, readers last
      before = association;
    }
  }

  /**
   * hand makes the hosts of a role take the release, one after the other, and the deployment wait for it. Systems Manager runs
   * a command again where it is another one, so it names the settings too.
   */
  private hand(role: Role): ssm.CfnAssociation {
    return new ssm.CfnAssociation(this, `${role}-hosts`, {
      associationName: `risingstars-${role}`,
      name: 'AWS-RunShellScript',
      targets: [{ key: `tag:${roleTag}`, values: [role] }],
      parameters: {
        commands: [`cloud-init status --wait >/dev/null 2>&1; exec /usr/local/sbin/risingstars-join ${this.props.settings.release} ${this.digest(role)}`],
        executionTimeout: [String(joinSeconds)],
      },
      maxConcurrency: '1',
      maxErrors: '0',
      waitForSuccessTimeoutSeconds: joinSeconds,
    });
  }

  private digest(role: Role): string {
    return createHash('sha256').update(JSON.stringify(this.resolve(this.what(role)))).digest('hex').slice(0, 16);
  }

  private what(role: Role): object {
    const { data, settings } = this.props;
    return {
      bucket: data.releases.bucketName,
      release: settings.release,
      ...(role === 'worker' && settings.topology === 'classic' && { redisPassword: data.redisPassword.secretArn }),
      ...(role !== 'files' && { secrets: this.secrets(role) }),
      host: this.host(),
      program: role === 'files' ? {} : this.program(role),
    };
  }

  /** secrets are those of a role; its hosts restart the program when one of them changes. */
  private secrets(role: Role): string[] {
    const { databaseSecret, tokenKey, redisPassword, organizerPassword } = this.props.data;
    return [databaseSecret, tokenKey, redisPassword, ...(role === 'web' ? [organizerPassword] : [])].map((s) => s.secretArn);
  }

  /** host is /etc/risingstars/host.env. The security groups are the firewall; the hosts' own is a second one. */
  private host(): Record<string, string> {
    const { settings } = this.props;
    const { cidr, addresses } = figures;
    const common = { ADMIN_NETWORKS: settings.adminCidr, SERVER_NAME: settings.domain };
    if (settings.topology === 'elastic') {
      return {
        ...common,
        FILES_ADDRESS: 'none',
        REDIS_ADDRESS: 'none',
        WEB_NETWORKS: cidr,
        WORKER_NETWORKS: cidr,
        CLIENT_NETWORKS: cidr,
        BALANCER_NETWORKS: cidr,
      };
    }
    return {
      ...common,
      FILES_ADDRESS: addresses.files,
      REDIS_ADDRESS: addresses.worker,
      WEB_NETWORKS: `${addresses.web}/32`,
      WORKER_NETWORKS: `${addresses.worker}/32`,
      CLIENT_NETWORKS: '0.0.0.0/0',
    };
  }

  /** program is /etc/risingstars/risingstars.env: references to secrets, and no secret. */
  private program(role: Role): Record<string, string> {
    const { data, files, settings } = this.props;
    const elastic = settings.topology === 'elastic';
    const { dbInstanceEndpointAddress: host } = data.database;
    const redis = elastic ? `rediss://${data.redisAddress}:${ports.redis}/0` : `redis://${figures.addresses.worker}:${ports.redis}/0`;
    return {
      AWS_REGION: this.region,
      DATABASE_URL: `postgres://${database.user}@${host}:${ports.postgres}/${database.name}?sslmode=verify-full&sslrootcert=/etc/risingstars/rds.pem`,
      DATABASE_PASSWORD: `awssm://${data.databaseSecret.secretArn}#password`,
      DATABASE_CONNECTIONS: String(database.connectionsPerProcess),
      REDIS_URL: redis,
      REDIS_PASSWORD: `awssm://${data.redisPassword.secretArn}`,
      SECRET_KEY: `awssm://${data.tokenKey.secretArn}`,
      ...(role === 'web' && { ORGANIZER_PASSWORD: `awssm://${data.organizerPassword.secretArn}` }),
      PUBLIC_URL: `https://${settings.domain}`,
      ...(elastic && { STORAGE_URL: `s3://${files.bucket?.bucketName}/media?region=${this.region}&owner=${this.account}` }),
      ...(elastic && role === 'web' && { ACCEL_REDIRECT: '' }),
    };
  }
}
