// A crowd that watches: the page, the lists, the ranking, a poster and pieces of clips, 0.5 to 1.5 s apart.
import { sleep } from 'k6';
import { ask, between, expect, guarded, options as crowd } from './journal.js';

const PIECE = 65536; // bytes of a clip that are asked for at a time

export const options = crowd();

let videos = [];

export default guarded(() => {
  const dice = Math.random();
  if (dice < 0.15) {
    page();
  } else if (dice < 0.4 || videos.length === 0) {
    list();
  } else if (dice < 0.6) {
    ranking();
  } else if (dice < 0.75) {
    poster();
  } else {
    piece();
  }
  sleep(between(0.5, 1.5));
});

function page() {
  ask('page', 200, (answer) => {
    expect(answer.body.includes('</html>'), 'the page is not whole');
  }, 'GET', '/', null, { headers: { Accept: 'text/html' } });
}

function list() {
  ask('gallery', 200, (answer) => {
    const rows = answer.json();
    expect(rows.length > 0, 'the gallery is empty');
    expect(rows.every((v) => v.processed_url && v.poster_url), 'a public video without clip or poster');
    videos = rows;
  }, 'GET', '/api/public/videos?limit=20');
}

function ranking() {
  ask('ranking', 200, (answer) => {
    expect(answer.json().every((r, i) => r.position === i + 1), 'positions are not 1, 2, 3 …');
  }, 'GET', '/api/public/rankings?page=1&limit=20');
}

function poster() {
  const video = videos[Math.floor(Math.random() * videos.length)];
  ask('poster', 200, (answer) => {
    expect(answer.headers['Content-Type'] === 'image/jpeg', 'the poster is no JPEG');
  }, 'GET', video.poster_url, null, { responseType: 'binary' });
}

function piece() {
  const video = videos[Math.floor(Math.random() * videos.length)];
  ask('piece', 206, (answer) => {
    expect(answer.body.byteLength > 0 && answer.body.byteLength <= PIECE, 'a piece of another size');
    const last = Number(/^bytes 0-(\d+)\/\d+$/.exec(answer.headers['Content-Range'])[1]);
    expect(answer.body.byteLength === last + 1, 'a piece that is cut');
  }, 'GET', video.processed_url, null, { responseType: 'binary', headers: { Range: `bytes=0-${PIECE - 1}` } });
}
