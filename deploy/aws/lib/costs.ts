import { Duration, Stack, StackProps } from 'aws-cdk-lib';
import * as budgets from 'aws-cdk-lib/aws-budgets';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';
import { alarms } from './figures';
import { mailTopic, tell } from './mail';
import { Settings } from './settings';
import { Sleeper } from './sleep';

/** What is spent, and whether the site answers: AWS measures both in us-east-1 only. */
export class Costs extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings }) {
    super(scope, id, props);
    const { credits, domain, mail } = props.settings;
    const topic = mailTopic(this, mail);
    const subscribers = [{ subscriptionType: 'SNS', address: topic.topicArn }];
    new budgets.CfnBudget(this, 'Budget', {
      budget: {
        budgetName: 'risingstars',
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: credits, unit: 'USD' },
        // What credits pay for counts as well, or it would say nothing until they are gone.
        costTypes: { includeCredit: false },
      },
      notificationsWithSubscribers: ['FORECASTED', 'ACTUAL'].map((notificationType) => ({
        notification: { notificationType, comparisonOperator: 'GREATER_THAN', threshold: alarms.creditsPercent, thresholdType: 'PERCENTAGE' },
        subscribers,
      })),
    });
    const bill = new cloudwatch.Alarm(this, 'Bill', {
      alarmName: 'risingstars-Bill',
      alarmDescription: "The month's bill so far has reached half of the credits.",
      metric: new cloudwatch.Metric({
        namespace: 'AWS/Billing',
        metricName: 'EstimatedCharges',
        dimensionsMap: { Currency: 'USD' },
        statistic: 'Maximum',
        period: Duration.hours(6),
      }),
      threshold: (credits * alarms.creditsPercent) / 100,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    });
    tell(bill, topic);
    const check = new route53.CfnHealthCheck(this, 'Ready', {
      healthCheckConfig: {
        type: 'HTTPS',
        fullyQualifiedDomainName: domain,
        port: 443,
        resourcePath: '/readyz',
        requestInterval: 30,
        failureThreshold: 3,
      },
    });
    const down = new cloudwatch.Alarm(this, 'Down', {
      alarmName: 'risingstars-Down',
      alarmDescription: 'The site is not ready, seen from outside.',
      metric: new cloudwatch.Metric({
        namespace: 'AWS/Route53',
        metricName: 'HealthCheckStatus',
        dimensionsMap: { HealthCheckId: check.attrHealthCheckId },
        statistic: 'Minimum',
        period: Duration.minutes(1),
      }),
      threshold: 1,
      evaluationPeriods: 2,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    });
    tell(down, topic);
    new Sleeper(this, props.settings, [], ['risingstars-Down']);
  }
}
