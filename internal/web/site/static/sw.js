// Keeps one page, for when there is no network.
"use strict";

const page = "/sin-conexion";

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open("offline");
    const answer = await fetch(page, { headers: { Accept: "text/html" } });
    const text = await answer.clone().text();
    const styles = [...text.matchAll(/(?:href|src)="(\/static\/[^"]+\.(?:css|svg|woff2))"/g)].map((m) => m[1]);
    await cache.put(page, answer);
    await cache.addAll([...new Set(styles)]);
  })());
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(async () => (await caches.match(page)) ?? Response.error()));
  } else if (request.method === "GET" && new URL(request.url).pathname.startsWith("/static/")) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
  }
});
