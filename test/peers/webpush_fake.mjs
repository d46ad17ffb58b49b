// A fake push service (RFC 8030, 8291, 8292), stricter than the big ones, for two kinds of client:
// subscriptions of its own, which it decrypts with http_ece, and a real Firefox, which decrypts by
// itself and says so over the socket that Mozilla's autopush speaks.
//
//   node webpush_fake.mjs [--cert=PEM --key=PEM] [--log=FILE]
//
// POST /subscribe (control port) makes a subscription: {"endpoint","keys":{"p256dh","auth"}}, over
// TLS with {"tls":true}, bound to a key with {"vapid":"B…"}. `port` also serves the page and the
// worker that subscribe in Firefox; what they say, and Firefox's acks, are entries of the log with
// `from` "page", "worker", "ack". Rules (peer.mjs) go by the last part of the endpoint's path.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import ece from 'http_ece';
import {WebSocketServer} from 'ws';
import {Peer, jws, listening, options, perform, whole} from './peer.mjs';

const ERRNO = {404: 102, 410: 106, 400: 110, 401: 109, 413: 104, 503: 201};
const peer = new Peer();
const subscriptions = new Map(); // id -> {ecdh, auth, vapid} or {socket, channelID, vapid}
let uaid = null;
let current = null; // Firefox's socket
let versions = 0;

const SPKI = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

function subscribe({tls, vapid}) {
  const ecdh = crypto.createECDH('prime256v1');
  const publicKey = ecdh.generateKeys();
  const auth = crypto.randomBytes(16);
  const id = crypto.randomBytes(12).toString('hex');
  subscriptions.set(id, {ecdh, auth, vapid});
  const origin = tls ? `https://127.0.0.1:${ports.tls}` : `http://127.0.0.1:${ports.port}`;
  return {endpoint: `${origin}/p/${id}`,
          keys: {p256dh: base64url(publicKey), auth: base64url(auth)}};
}

// [status, why] of a bad Authorization header, or null (RFC 8292; Mozilla and Apple refuse a
// token of more than 24 hours).
function vapidFault(value, origin, expected) {
  const match = /^vapid t=([^,\s]+),\s*k=([A-Za-z0-9_-]+)$/.exec(value ?? '');
  if (!match) return [401, `authorization: ${value}`];
  const point = Buffer.from(match[2], 'base64url');
  if (point.length !== 65 || point[0] !== 4) return [401, 'k is not an uncompressed point'];
  if (expected && base64url(point) !== expected) {
    return [403, 'the VAPID credentials in the authorization header do not correspond to the '
      + 'credentials used to create the subscriptions.'];
  }
  const parts = jws(match[1]);
  if (!parts || parts.header.alg !== 'ES256') return [401, 't is not an ES256 JWT'];
  const key = crypto.createPublicKey({key: Buffer.concat([SPKI, point]), format: 'der',
                                      type: 'spki'});
  if (parts.signature.length !== 64 || !crypto.verify('sha256', parts.input,
    {key, dsaEncoding: 'ieee-p1363'}, parts.signature)) return [401, 'signature'];
  const {aud, exp, sub} = parts.claims;
  if (aud !== origin) return [401, `aud ${aud} is not ${origin}`];
  const left = exp - Date.now() / 1000;
  if (!(left > 0 && left <= 86400)) return [401, `exp is ${left} s away`];
  if (!/^(mailto:[^<>\s]+@[^<>\s]+|https:\/\/\S+)$/.test(sub)) return [401, `sub ${sub}`];
  return null;
}

function fault(request, body, origin, subscription) {
  const {headers} = request;
  if (request.method !== 'POST') return [405, request.method];
  if (!subscription) return [404, 'no such subscription'];
  const auth = vapidFault(headers.authorization, origin, subscription.vapid);
  if (auth) return auth;
  if (!/^\d{1,9}$/.test(headers.ttl ?? '')) return [400, `ttl ${headers.ttl}`];
  if (headers['content-encoding'] !== 'aes128gcm') {
    return [400, `content-encoding ${headers['content-encoding']}`];
  }
  if (headers['content-type'] !== 'application/octet-stream') {
    return [400, `content-type ${headers['content-type']}`];
  }
  if (!/^(very-low|low|normal|high)$/.test(headers.urgency ?? 'normal')) {
    return [400, `urgency ${headers.urgency}`];
  }
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(headers.topic ?? 'a')) return [400, `topic ${headers.topic}`];
  if (body.length > 4096) return [413, `${body.length} bytes`];
  return null;
}

async function push(request, response, origin) {
  const body = await whole(request);
  const id = request.url.split('/').pop();
  const subscription = subscriptions.get(id);
  let found = fault(request, body, origin, subscription);
  const act = found ? null : peer.act(id);
  let text;
  if (!found && subscription.ecdh) {
    try {
      text = ece.decrypt(body, {version: 'aes128gcm', privateKey: subscription.ecdh,
                                authSecret: subscription.auth.toString('base64url')}).toString();
    } catch (error) {
      found = [400, `cannot decrypt: ${error.message}`];
    }
  }
  if (found) peer.stats.faults++;
  peer.log({address: id, method: request.method, path: request.url, headers: request.rawHeaders,
            body: body.toString('base64'), ...(text !== undefined && {text}),
            ...(found && {fault: found}), ...(act && {act})});
  if (act && await perform(act, request, response)) return;
  if (found) {
    const [code, message] = found;
    response.writeHead(code, {'content-type': 'application/json'});
    response.end(JSON.stringify({code, errno: ERRNO[code] ?? 999, error: 'fault', message}));
    return;
  }
  if (subscription.channelID) toFirefox(subscription, request.headers, body);
  response.writeHead(201, {location: `${origin}/m/${crypto.randomUUID()}`,
                           ttl: request.headers.ttl});
  response.end();
}

// autopush: hello, register, unregister, ack, ping; notification goes the other way.
function toFirefox({channelID}, headers, body) {
  current?.send(JSON.stringify({messageType: 'notification', channelID,
    version: `v${++versions}`, ttl: Number(headers.ttl), data: body.toString('base64url'),
    headers: {encoding: 'aes128gcm'}}));
}

function fromFirefox(socket, text) {
  const message = JSON.parse(text);
  const send = (answer) => socket.send(JSON.stringify(answer));
  const {messageType, channelID} = message;
  if (messageType === 'hello') {
    uaid ??= crypto.randomUUID().replaceAll('-', '');
    current = socket;
    send({messageType, uaid, status: 200, use_webpush: true, broadcasts: {}});
  } else if (messageType === 'register') {
    const id = crypto.randomBytes(12).toString('hex');
    const vapid = message.key && base64url(Buffer.from(message.key, 'base64url'));
    subscriptions.set(id, {channelID, vapid});
    send({messageType, channelID, status: 200,
          pushEndpoint: `http://127.0.0.1:${ports.port}/p/${id}`});
  } else if (messageType === 'unregister') {
    send({messageType, channelID, status: 200});
  } else if (messageType === 'ack' || messageType === 'nack') {
    for (const {code, version} of message.updates ?? [message]) {
      peer.log({address: '', from: 'ack', code, version});
    }
  } else if (messageType === 'ping' || messageType === undefined) {
    send(messageType ? {messageType} : {});
  }
}

const PAGE = `<!doctype html><title>push</title><script>
const say = (path, what) => fetch(path, {method: 'POST', body: JSON.stringify(what)});
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  const key = new URLSearchParams(location.search).get('key');
  await navigator.serviceWorker.register('/worker.js');
  const registration = await navigator.serviceWorker.ready;
  // A subscription asked for before the browser's push client has said hello never comes.
  while (!(await (await fetch('/hello')).json())) await wait(100);
  const made = await registration.pushManager.subscribe(
    {userVisibleOnly: true, applicationServerKey: key});
  return say('/page', {subscription: made});
})().catch((error) => say('/page', {error: String(error)}));
</script>`;
const WORKER = `
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil((async () => {
  const text = event.data ? event.data.text() : null;
  let shown = null, error = null;
  try {
    const {title, ...rest} = JSON.parse(text);
    await self.registration.showNotification(title, rest);
    const [one] = (await self.registration.getNotifications()).filter((n) => n.title === title);
    shown = one && {title: one.title, body: one.body};
  } catch (problem) { error = String(problem); }
  await fetch('/worker', {method: 'POST', body: JSON.stringify({text, shown, error})});
})()));`;

async function handle(request, response, origin) {
  const path = request.url.split('?')[0];
  if (path.startsWith('/p/')) {
    await push(request, response, origin);
  } else if (request.method === 'POST' && (path === '/page' || path === '/worker')) {
    peer.log({address: '', from: path.slice(1), ...JSON.parse(await whole(request))});
    response.end();
  } else if (path === '/hello') {
    response.end(JSON.stringify(current !== null));
  } else if (path === '/worker.js') {
    response.writeHead(200, {'content-type': 'text/javascript', 'cache-control': 'no-store'});
    response.end(WORKER);
  } else if (path === '/') {
    response.writeHead(200, {'content-type': 'text/html'});
    response.end(PAGE);
  } else {
    response.writeHead(404).end();
  }
}

const handler = (scheme) => (request, response) => {
  request.on('error', () => {});
  handle(request, response, `${scheme}://${request.headers.host}`).catch((error) => {
    if (error.code !== 'ECONNRESET') console.error(error);
  });
};
const server = http.createServer(handler('http'));
const sockets = new WebSocketServer({server, handleProtocols: () => 'push-notification'});
sockets.on('connection', (socket) => {
  socket.on('error', () => {}).on('message', (text) => fromFirefox(socket, text));
});
server.on('connection', () => { peer.stats.connections++; });
const ports = {port: await listening(server, Number(options.port ?? 0))};
if (options.cert) {
  const secret = {cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key)};
  ports.tls = await listening(https.createServer(secret, handler('https'))
    .on('connection', () => { peer.stats.connections++; }));
}
peer.calls['/subscribe'] = subscribe;
peer.ready(ports);
