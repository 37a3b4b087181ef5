// Clips with something to see in them: a drawn court, a player and a ball on its way to the basket.
import { execFileSync } from "node:child_process";
import path from "node:path";

const width = 1280, height = 720;

// Of each: the sky or wall from top to bottom, the floor from far to near, the paint, the kit, what stands behind, and
// the player: at x, with the basket to the left or right.
const looks = [
  { back: ["#0b1730", "#27407a"], floor: ["#a9622c", "#e0a05a"], paint: "#b5361f", kit: "#f26a1b", behind: stands, x: 300, pose: "shot" },
  { back: ["#5b2a6e", "#ff9a5a"], floor: ["#2f6b57", "#4d9b7c"], paint: "#c8553d", kit: "#ffd166", behind: city, x: 900, pose: "jump", left: true },
  { back: ["#10131f", "#3b2f63"], floor: ["#30407c", "#4c66b8"], paint: "#1d2850", kit: "#ff5d73", behind: city, x: 420, pose: "dunk" },
  { back: ["#e9d9b8", "#f6ecd6"], floor: ["#b97a3d", "#e7b473"], paint: "#2f5f8f", kit: "#17663a", behind: windows, x: 330, pose: "jump" },
  { back: ["#8ecdf2", "#eaf6fb"], floor: ["#a8452f", "#d6714f"], paint: "#2d6a6a", kit: "#fbf5ea", behind: hills, x: 860, pose: "shot", left: true },
  { back: ["#1c3f3a", "#3f8f7a"], floor: ["#8c5a2e", "#cf945a"], paint: "#16413b", kit: "#f7f3e3", behind: stands, x: 780, pose: "dunk", left: true },
];

export const sceneCount = looks.length;

// scene writes a clip of some seconds and returns its path.
export async function scene(browser, dir, number, seconds = 6) {
  const look = looks[number % looks.length];
  const page = await browser.newPage({ viewport: { width, height } });
  const layer = async (name, content, viewport = { width, height }) => {
    const file = path.join(dir, `${number}-${name}.png`);
    await page.setViewportSize(viewport);
    await page.setContent(`<style>body{margin:0}svg{display:block}</style>${content}`);
    await page.screenshot({ path: file, omitBackground: true });
    return file;
  };
  const court = await layer("court", drawing(background(look)));
  const player = await layer("player", drawing(figure(look)));
  const ball = await layer("ball", ballPicture, { width: 76, height: 76 });
  const net = await layer("net", drawing(mirrored(look, rim)));
  await page.close();

  const hand = look.pose === "shot" ? [look.x + turned(look, 42), 262] : [look.x + turned(look, 60), 300];
  const goal = look.left ? [252, 250] : [1028, 250];
  // The ball flies 1.2 s, from the hand over a height to the basket, and falls; then it begins anew.
  const flight = "mod(t\\,2)/1.2";
  const x = `if(lt(${flight}\\,1)\\,${hand[0]}+(${goal[0] - hand[0]})*${flight}\\,${goal[0]})-38`;
  const y = `if(lt(${flight}\\,1)\\,${hand[1]}+(${goal[1] - hand[1]})*${flight}-4*190*${flight}*(1-${flight})\\,${goal[1]}+700*pow(mod(t\\,2)-1.2\\,2)+120*(mod(t\\,2)-1.2))-38`;
  const jump = "-46*pow(max(0\\,sin(mod(t\\,2)*PI/1.1))\\,2)*lt(mod(t\\,2)\\,1.1)";
  const file = path.join(dir, `jugada-${number}.mp4`);
  execFileSync("ffmpeg", ["-v", "error", "-y",
    ...[court, player, ball, net].flatMap((picture) => ["-framerate", "30", "-i", picture]),
    "-filter_complex", `${[0, 1, 2, 3].map((n) => `[${n}]loop=-1:1[p${n}]`).join(";")};[p0][p1]overlay=y=${jump}[a];[p2]rotate=a=-4*t:c=none[b];[a][b]overlay=x=${x}:y=${y}[c];[c][p3]overlay,format=yuv420p`,
    "-t", String(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-movflags", "+faststart", file]);
  return file;
}

const turned = (look, dx) => look.left ? -dx : dx;
const mirrored = (look, content) => look.left ? `<g transform="translate(${width} 0) scale(-1 1)">${content}</g>` : content;
const drawing = (content) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${content}</svg>`;

const ballPicture = `<svg xmlns="http://www.w3.org/2000/svg" width="76" height="76" viewBox="-38 -38 76 76">
  <defs><radialGradient id="g" cx=".35" cy=".3"><stop offset="0" stop-color="#ffa75c"/><stop offset="1" stop-color="#c84e0c"/></radialGradient></defs>
  <circle r="35" fill="url(#g)"/><g fill="none" stroke="#3b1604" stroke-width="3"><circle r="35"/><path d="M-35 0H35M0-35V35M-25-25Q0 0-25 25M25-25Q0 0 25 25"/></g></svg>`;

// The basket stands at the right; a look with its basket at the left is mirrored.
const basket = `<path d="M1190 560V170h26v390z" fill="#1b2236"/><path d="M1203 190h-70v16h70z" fill="#1b2236"/>
  <path d="M1096 66l44 26v176l-44-22z" fill="#fdfdfb" stroke="#1b2236" stroke-width="6"/>
  <path d="M1108 160l20 11v62l-20-10z" fill="none" stroke="#c8321f" stroke-width="6"/>
  <ellipse cx="1034" cy="236" rx="62" ry="15" fill="none" stroke="#9c2c12" stroke-width="8"/>`;
const rim = `<path d="M972 236a62 15 0 0 0 124 0" fill="none" stroke="#f04a1d" stroke-width="9"/>
  <g fill="none" stroke="#fff" stroke-width="3" opacity=".85"><path d="M974 242l18 82 84 0 18-82M996 248l10 76M1020 251l4 73M1048 251l-4 73M1072 248l-10 76"/><path d="M980 268q54 16 108 0M986 296q48 12 96 0"/></g>`;

function background(look) {
  const { back, floor, paint, behind } = look;
  const planks = Array.from({ length: 25 }, (_, i) => `<path d="M${640 + (i - 12) * 62} 470L${640 + (i - 12) * 190} 720"/>`).join("");
  return `<defs><linearGradient id="b" x2="0" y2="1"><stop offset="0" stop-color="${back[0]}"/><stop offset="1" stop-color="${back[1]}"/></linearGradient>
    <linearGradient id="f" x2="0" y2="1"><stop offset="0" stop-color="${floor[0]}"/><stop offset="1" stop-color="${floor[1]}"/></linearGradient>
    <linearGradient id="l" x1=".5" x2=".5" y2="1"><stop offset="0" stop-color="#fff" stop-opacity=".22"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></linearGradient></defs>
    <path fill="url(#b)" d="M0 0h1280v480H0z"/>${behind(look)}
    <path fill="url(#f)" d="M0 470h1280v250H0z"/><g stroke="#000" stroke-opacity=".12" stroke-width="2">${planks}</g>
    ${mirrored(look, `<path d="M1280 520H890L820 640h460z" fill="${paint}" opacity=".85"/>
      <g fill="none" stroke="#fff" stroke-width="6" opacity=".9"><path d="M1280 520H890L820 640h460"/><ellipse cx="855" cy="580" rx="96" ry="46"/><path d="M1280 494H830C560 500 450 640 560 700"/><path d="M0 478h1280"/></g>`)}
    ${behind === stands ? '<path d="M300 0h240l180 560H40zM760 0h240l260 560H620z" fill="url(#l)"/>' : ""}${mirrored(look, basket)}`;
}

function stands({ kit }) {
  let all = "";
  for (let row = 0; row < 7; row++) {
    all += `<path d="M0 ${150 + row * 46}h1280v46H0z" fill="#000" opacity="${0.1 + row * 0.03}"/>`;
    for (let seat = 0; seat < 34; seat++) {
      const colour = [kit, "#f4e3c5", "#8fa3d0", "#31456f", "#c9a27c"][(seat * 7 + row * 5 + seat % 3) % 5];
      all += `<circle cx="${seat * 39 + row % 2 * 19}" cy="${168 + row * 46}" r="13" fill="${colour}" opacity=".55"/>`;
    }
  }
  return all;
}

function city({ back }) {
  let all = "";
  for (let i = 0; i < 14; i++) {
    const tall = 120 + (i * 83) % 190;
    all += `<path d="M${i * 96 - 20} ${480 - tall}h86v${tall}h-86z" fill="${back[0]}" opacity=".85"/>`;
    for (let window = 0; window < 8; window++) {
      if ((i * 5 + window * 3) % 4) all += `<path d="M${i * 96 - 6 + window % 2 * 34} ${496 - tall + (window >> 1) * 34}h18v14h-18z" fill="#ffd98a" opacity=".7"/>`;
    }
  }
  return `<circle cx="640" cy="250" r="92" fill="#fff" opacity=".28"/>${all}`;
}

function windows() {
  return Array.from({ length: 6 }, (_, i) => `<g transform="translate(${60 + i * 206} 90)"><path d="M0 0h150v220H0z" fill="#bfe0ee"/><path d="M75 0v220M0 110h150" stroke="#fff" stroke-width="8"/></g>`).join("") +
    `<path d="M0 380h1280v100H0z" fill="#2f5f8f"/><path d="M0 374h1280v10H0z" fill="#fff"/>`;
}

function hills() {
  return `<circle cx="1060" cy="130" r="64" fill="#fff3c4"/><path d="M0 400L220 210 400 360 620 170 860 380 1020 260 1280 400V480H0z" fill="#5d8f7d"/>
    <path d="M0 450L180 330 420 440 700 320 980 450 1140 380 1280 440V480H0z" fill="#3f7262"/>`;
}

// A player as signs of the games show one: strokes for limbs.
const poses = {
  shot: { head: [8, -262], limbs: ["M0-210L-6-110", "M-6-110L-44-50-40 20", "M-6-110L30-56 44 20", "M0-200L34-236 40-298", "M0-200L46-206 58-280"] },
  jump: { head: [10, -262], limbs: ["M0-210L-16-110", "M-16-110L-66-80-90-10", "M-16-110L34-82 6-10", "M0-200L40-226 58-290", "M0-200L-44-180-58-130"] },
  dunk: { head: [20, -258], limbs: ["M6-208L-24-112", "M-24-112L-84-96-128-40", "M-24-112L24-80-22-20", "M6-198L48-232 62-300", "M6-198L-36-168-20-126"] },
};

function figure({ x, left, kit, pose }) {
  const { head, limbs: [body, back, front, ...arms] } = poses[pose];
  return `<g transform="translate(${x} 600)${left ? " scale(-1 1)" : ""}"><ellipse cx="0" cy="30" rx="96" ry="16" fill="#000" opacity=".25"/>
    <g fill="none" stroke-linecap="round" stroke-linejoin="round"><path d="${back}" stroke="#4a2c1c" stroke-width="27"/><path d="${arms[1]}" stroke="#4a2c1c" stroke-width="22"/>
    <path d="${front}" stroke="#6b432c" stroke-width="29"/><path d="${body}" stroke="${kit}" stroke-width="58"/><path d="${arms[0]}" stroke="#6b432c" stroke-width="23"/></g>
    <circle cx="${head[0]}" cy="${head[1]}" r="29" fill="#6b432c"/></g>`;
}
