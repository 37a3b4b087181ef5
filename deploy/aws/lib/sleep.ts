import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { excuse } from './excuses';
import { Settings } from './settings';

/** Two calls of AWS's API that are each other's opposite. */
export interface Action {
  id: string;
  service: string;
  on: string;
  off: string;
  input: object | { on: object; off: object };
  resources: string[];
}

/** How long after the database alarms are heard again, in minutes. */
const settle = 30;

/** Stops things at an hour and starts them at another. Alarms are silent between the two. */
export class Sleeper extends Construct {
  constructor(stack: Stack, settings: Settings, actions: Action[], alarms: string[]) {
    super(stack, 'Sleep');
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    });
    const quiet: Action = {
      id: 'Alarms',
      service: 'cloudwatch',
      on: 'enableAlarmActions',
      off: 'disableAlarmActions',
      input: { AlarmNames: alarms },
      resources: alarms.map((name) => `arn:${stack.partition}:cloudwatch:${stack.region}:${stack.account}:alarm:${name}`),
    };
    for (const action of [quiet, ...actions]) {
      role.addToPolicy(
        new iam.PolicyStatement({
          actions: [...new Set([action.on, action.off])].map((call) => `${action.service}:${call[0].toUpperCase()}${call.slice(1)}`),
          resources: action.resources,
        }),
      );
      for (const way of ['off', 'on'] as const) {
        const time = way === 'off' ? settings.stopAt : later(settings.startAt, action === quiet ? settle : 0);
        const input = 'on' in action.input ? (action.input as Record<string, object>)[way] : action.input;
        new scheduler.CfnSchedule(this, `${action.id}-${way}`, {
          name: `risingstars-${action.id}-${way}`,
          flexibleTimeWindow: { mode: 'OFF' },
          scheduleExpression: cron(time, settings.days),
          scheduleExpressionTimezone: settings.timeZone,
          target: {
            arn: `arn:${stack.partition}:scheduler:::aws-sdk:${action.service}:${action[way]}`,
            roleArn: role.roleArn,
            input: stack.toJsonString(input),
          },
        });
      }
    }
    excuse(role, 'AwsSolutions-IAM5', 'A group of machines has an id in its ARN that nobody knows before; its name is given.');
  }
}

const cron = (time: string, days: string): string => {
  const [hour, minute] = time.split(':').map(Number);
  return `cron(${minute} ${hour} ? * ${days} *)`;
};

/** later is so many minutes later, of the same day. */
const later = (time: string, minutes: number): string => {
  const [hour, minute] = time.split(':').map(Number);
  const at = Math.min(hour * 60 + minute + minutes, 24 * 60 - 1);
  return `${Math.floor(at / 60)}:${at % 60}`;
};
