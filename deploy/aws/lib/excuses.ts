// Where a rule of cdk-nag is not followed, with the reason beside it.
import { IConstruct } from 'constructs';
import { NagSuppressions } from 'cdk-nag';

/** excuse exempts a construct, and what is in it, from a rule. */
export function excuse(construct: IConstruct, rule: string, reason: string): void {
  NagSuppressions.addResourceSuppressions(construct, [{ id: rule, reason }], true);
}

/** excuseOnly does so for some of the rule's findings: those that say one of these. */
export function excuseOnly(construct: IConstruct, rule: string, reason: string, appliesTo: (string | { regex: string })[]): void {
  NagSuppressions.addResourceSuppressions(construct, [{ id: rule, reason, appliesTo }], true);
}
