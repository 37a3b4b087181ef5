// The scenario of locustfile.py, for more users than one Locust can be: 3 uploads to 1 list to 1 ranking, 1 to 3 s apart.
import { sleep } from 'k6';
import exec from 'k6/execution';
import { ask, bearer, between, expect, guarded, options as crowd, people } from './journal.js';

const MARK = 32; // bytes at the end of each upload that no other has
const clips = __ENV.CAPACITY_CLIP_FILES.split(':').map((path) => new Uint8Array(open(path, 'b')));

export const options = crowd();

// What a player does, over and over; each begins at another place.
const circle = [upload, ownVideos, upload, ranking, upload];

let me; // each user runs in a world of its own
let turn = 0;
let next = 0;
const uploaded = [];

export default guarded(() => {
  if (!me) {
    signIn();
  }
  if (!me.token) {
    sleep(between(1, 3));
    return;
  }
  circle[turn % circle.length]();
  turn += 1;
  sleep(between(1, 3));
});

function signIn() {
  const n = exec.vu.idInTest - 1;
  me = { email: people[n % people.length].email };
  turn = n;
  next = n;
  const body = JSON.stringify({ email: me.email, password: __ENV.CAPACITY_PASSWORD });
  ask('sign-in', 200, (answer) => {
    const { access_token: token, token_type: kind } = answer.json();
    expect(kind === 'bearer' && token, 'no token');
    me.token = token;
  }, 'POST', '/api/auth/login', body, { headers: { 'Content-Type': 'application/json' } }, { player: me.email });
}

// bytes of an ASCII text.
function bytes(text) {
  const array = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) {
    array[i] = text.charCodeAt(i);
  }
  return array;
}

function mark() {
  let digits = '';
  while (digits.length < MARK) {
    digits += Math.floor(Math.random() * 16).toString(16);
  }
  return digits;
}

function upload() {
  next += 1;
  const clip = clips[next % clips.length];
  const entry = { player: me.email, mark: mark(), size: clip.length };
  const boundary = mark();
  const head = bytes(
    `--${boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nTriple desde la esquina\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="video_file"; filename="clip.mp4"\r\n` +
    'Content-Type: video/mp4\r\n\r\n');
  const tail = bytes(`${entry.mark}\r\n--${boundary}--\r\n`);
  const body = new Uint8Array(head.length + clip.length - MARK + tail.length);
  body.set(head, 0);
  body.set(clip.subarray(0, clip.length - MARK), head.length);
  body.set(tail, head.length + clip.length - MARK);
  const params = { headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, ...bearer(me.token).headers } };
  ask('upload', 201, (answer, noted) => {
    const accepted = answer.json();
    noted.video = accepted.video_id;
    uploaded.push(accepted.video_id);
    expect(accepted.message.startsWith('Video subido exitosamente.'), 'another message');
    expect(typeof accepted.task_id === 'string', 'no task_id');
  }, 'POST', '/api/videos/upload', body.buffer, params, entry);
}

function ownVideos() {
  const known = uploaded.slice();
  ask('list', 200, (answer) => {
    const list = answer.json();
    const ids = list.map((v) => v.video_id);
    expect(ids.every((id, i) => i === 0 || id < ids[i - 1]), 'own videos not newest first');
    const there = new Set(ids);
    expect(known.every((id) => there.has(id)), "an accepted upload is not in its player's list");
    expect(list.every((v) => v.status !== 'failed'), 'a video has failed');
  }, 'GET', '/api/videos', null, bearer(me.token), { player: me.email });
}

function ranking() {
  ask('ranking', 200, (answer) => {
    const rows = answer.json();
    expect(rows.length > 0, 'the ranking is empty');
    expect(rows.every((r, i) => r.position === i + 1), 'positions are not 1, 2, 3 …');
    expect(rows.every((r, i) => i === 0 || r.votes <= rows[i - 1].votes), 'the ranking is not by votes');
  }, 'GET', '/api/public/rankings', null, {}, { player: me.email });
}
