// What the scripts share: asking once, and writing down what came of it, in the form that the Locust file uses too.
import { sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { SharedArray } from 'k6/data';

export const base = __ENV.CAPACITY_URL;

// Each has an email, and a token where the run gives tokens out itself.
export const people = new SharedArray('people', () => JSON.parse(open(__ENV.CAPACITY_PEOPLE_JSON)));

// options are those of a run: so many users, who come one by one and then stay.
export function options(more) {
  const users = Number(__ENV.CAPACITY_USERS);
  return {
    scenarios: {
      crowd: {
        executor: 'ramping-vus',
        startVUs: 0,
        stages: [
          { duration: __ENV.CAPACITY_UP, target: users },
          { duration: __ENV.CAPACITY_HELD, target: users },
        ],
        gracefulRampDown: '60s',
        gracefulStop: '60s',
      },
    },
    discardResponseBodies: false,
    insecureSkipTLSVerify: true, // the front's certificate is of this run, by an authority of its own
    noConnectionReuse: false,
    systemTags: [],
    ...more,
  };
}

class Wrong extends Error {}

// expect says what a body must be.
export function expect(true_, what) {
  if (!true_) {
    throw new Wrong(`body: ${what}`);
  }
}

// ask sends a request and writes an entry. check looks at the answer, and may add to the entry. The answer is given back
// if it was as promised.
export function ask(call, status, check, method, path, body, params = {}, entry = {}) {
  const at = Date.now() / 1000;
  const answer = http.request(method, path.startsWith('http') ? path : base + path, body, {
    redirects: 0, timeout: '120s', ...params,
  });
  const { blocked, looking_up: lookup, connecting, tls_handshaking: tls, duration } = answer.timings;
  const ms = blocked + lookup + connecting + tls + duration; // as long as somebody waits
  Object.assign(entry, { call, at, ms, status: answer.status, users: exec.instance.vusActive });
  try {
    if (answer.error_code >= 1000 && answer.status === 0) {
      throw new Wrong(`connection: ${answer.error_code}`);
    }
    if (answer.status !== status) {
      throw new Wrong(`status ${answer.status}`);
    }
    check(answer, entry);
  } catch (e) {
    entry.fault = e instanceof Wrong ? e.message : `body: ${e}`;
  }
  console.log(JSON.stringify(entry));
  return entry.fault ? null : answer;
}

// guarded is a script's work, of which no mistake goes unseen: k6 itself only logs what is thrown.
export function guarded(work) {
  return () => {
    try {
      work();
    } catch (e) {
      console.log(JSON.stringify({ call: 'script', at: Date.now() / 1000, ms: 0, status: 0, users: exec.instance.vusActive, fault: `body: ${e}` }));
      sleep(1);
    }
  };
}

export function bearer(token) {
  return { headers: { Authorization: `Bearer ${token}` } };
}

// between is a time to think, in seconds.
export function between(least, most) {
  return least + Math.random() * (most - least);
}
