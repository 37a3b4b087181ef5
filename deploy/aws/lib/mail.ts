import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Stack } from 'aws-cdk-lib';

/** mailTopic sends what alarms and budgets say to an address, whose owner has to agree once. */
export function mailTopic(stack: Stack, address: string): sns.Topic {
  const topic = new sns.Topic(stack, 'Mail', { enforceSSL: true });
  topic.addSubscription(new EmailSubscription(address));
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'AlarmsAndBudgets',
      actions: ['sns:Publish'],
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com'), new iam.ServicePrincipal('budgets.amazonaws.com')],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
  return topic;
}

/** tell sends mail when it begins, and when it is over. */
export function tell(alarm: cloudwatch.Alarm, topic: sns.Topic): void {
  alarm.addAlarmAction(new SnsAction(topic));
  alarm.addOkAction(new SnsAction(topic));
}
