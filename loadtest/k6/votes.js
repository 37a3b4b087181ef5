// A storm of votes: many people, few stars. Everybody votes for each star once; every tenth tries a second time, and must
// be told that it was counted already. Nobody thinks in between.
import { sleep } from 'k6';
import exec from 'k6/execution';
import { ask, base, bearer, expect, guarded, options as crowd, people } from './journal.js';

const stars = __ENV.CAPACITY_STARS.split(',').map(Number);

export const options = crowd();

const json = { headers: { 'Content-Type': 'application/json' } };

export default guarded(() => {
  const n = exec.scenario.iterationInTest;
  const star = stars[Math.floor(n / people.length)];
  if (star === undefined) { // everybody has voted for everybody
    sleep(1);
    return;
  }
  const { email, token } = people[n % people.length];
  const params = { headers: { ...json.headers, ...bearer(token).headers } };
  const path = `/api/public/videos/${star}/vote`;
  const voted = ask('vote', 200, (answer) => {
    const { message, votes } = answer.json();
    expect(message === 'Vote successfully registered', 'another message');
    expect(votes > 0, 'no votes after a vote');
  }, 'POST', path, null, params, { player: email, video: star });
  if (voted && n % 10 === 0) {
    ask('second vote', 400, (answer) => {
      expect(answer.json().detail === 'You have already voted for this video', 'another refusal');
    }, 'POST', path, null, params, { player: email, video: star });
  }
  if (n % 25 === 0) {
    ask('ranking', 200, (answer) => {
      const rows = answer.json();
      expect(rows.every((r, i) => r.position === i + 1), 'positions are not 1, 2, 3 …');
      expect(rows.every((r, i) => i === 0 || r.votes <= rows[i - 1].votes), 'the ranking is not by votes');
    }, 'GET', `${base}/api/public/rankings`);
  }
});
