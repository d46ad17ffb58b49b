// A fake of Apple's push service: HTTP/2 over TLS, as strict as the documentation says it is.
//
//   node apns_fake.mjs --cert=PEM --key=PEM --public=PEM --kid=K --team=T --topics=a,b [--log=FILE]
//
// Sources: developer.apple.com "Sending notification requests to APNs", "Handling notification
// responses from APNs", "Establishing a token-based connection to APNs". Rules (peer.mjs) go by
// the device token; `reason` picks a row of the published table.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http2 from 'node:http2';
import {Peer, jws, listening, options, wait, whole} from './peer.mjs';

const STATUS = {
  BadCollapseId: 400, BadDeviceToken: 400, BadExpirationDate: 400, BadMessageId: 400,
  BadPriority: 400, BadTopic: 400, DeviceTokenNotForTopic: 400, DuplicateHeaders: 400,
  IdleTimeout: 400, InvalidPushType: 400, MissingDeviceToken: 400, MissingTopic: 400,
  PayloadEmpty: 400, TopicDisallowed: 400, BadCertificate: 403, BadCertificateEnvironment: 403,
  ExpiredProviderToken: 403, Forbidden: 403, InvalidProviderToken: 403,
  MissingProviderToken: 403, UnrelatedKeyIdInToken: 403, BadEnvironmentKeyIdInToken: 403,
  BadPath: 404, MethodNotAllowed: 405, ExpiredToken: 410, Unregistered: 410,
  PayloadTooLarge: 413, TooManyProviderTokenUpdates: 429, TooManyRequests: 429,
  InternalServerError: 500, ServiceUnavailable: 503, Shutdown: 503,
};
const PUSH_TYPES = new Set(['alert', 'background', 'voip', 'complication', 'fileprovider', 'mdm',
  'location', 'liveactivity', 'pushtotalk', 'controls', 'widgets']);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SINGLE = new Set(['authorization', 'apns-topic', 'apns-push-type', 'apns-id',
  'apns-expiration', 'apns-priority', 'apns-collapse-id']);

const peer = new Peer();
const publicKey = crypto.createPublicKey(fs.readFileSync(options.public));
const topics = new Set(options.topics.split(','));
const seen = new Map(); // token -> {fault, iat}
Object.assign(peer.stats, {tokens: 0, sessions: 0});

// What is wrong with a provider token apart from its age; null: nothing. Signatures are checked
// once a token, as they cost more than all the rest.
function tokenFault(token) {
  const parts = jws(token);
  if (!parts) return 'not a JWS of three base64url parts';
  const {header, claims, input, signature} = parts;
  if (header.alg !== 'ES256') return 'alg is not ES256';
  if (header.kid !== options.kid) return 'kid is not the key';
  if (claims.iss !== options.team) return 'iss is not the team';
  if (!Number.isInteger(claims.iat)) return 'iat is not a whole number';
  if (signature.length !== 64) return `signature of ${signature.length} bytes, not raw R and S`;
  const key = {key: publicKey, dsaEncoding: 'ieee-p1363'};
  return crypto.verify('sha256', input, key, signature) ? null : 'signature does not verify';
}

function authFault(value) {
  if (value === undefined || !value.startsWith('bearer ')) {
    return ['MissingProviderToken', 'authorization is not "bearer <token>"'];
  }
  const token = value.slice(7);
  let known = seen.get(token);
  if (!known) {
    known = {fault: tokenFault(token), iat: jws(token)?.claims.iat};
    seen.set(token, known);
    peer.stats.tokens = seen.size;
  }
  if (known.fault) return ['InvalidProviderToken', known.fault];
  const age = Date.now() / 1000 - known.iat;
  if (age > 3600) return ['ExpiredProviderToken', `iat is ${Math.round(age)} s old`];
  if (age < -60) return ['InvalidProviderToken', 'iat is in the future'];
  return null;
}

function headerFault(headers, raw) {
  const names = raw.filter((_, i) => i % 2 === 0);
  const twice = names.find((name, i) => SINGLE.has(name) && names.indexOf(name) !== i);
  if (twice) return ['DuplicateHeaders', twice];
  const id = headers['apns-id'];
  if (id !== undefined && !UUID.test(id)) return ['BadMessageId', id];
  const topic = headers['apns-topic'];
  if (!topic) return ['MissingTopic', ''];
  if (!topics.has(topic)) return ['TopicDisallowed', topic];
  const type = headers['apns-push-type'];
  if (!PUSH_TYPES.has(type)) return ['InvalidPushType', String(type)];
  const priority = headers['apns-priority'] ?? '10';
  if (!/^(10|5|1)$/.test(priority)) return ['BadPriority', priority];
  if (type === 'background' && priority !== '5') {
    return ['BadPriority', `background with priority ${priority}`];
  }
  const expiration = headers['apns-expiration'];
  if (expiration !== undefined && !/^\d{1,10}$/.test(expiration)) {
    return ['BadExpirationDate', expiration];
  }
  const collapse = headers['apns-collapse-id'];
  if (collapse !== undefined && (collapse === '' || Buffer.byteLength(collapse, 'latin1') > 64)) {
    return ['BadCollapseId', `${collapse.length} bytes`];
  }
  return null;
}

function bodyFault(headers, body) {
  if (body.length === 0) return ['PayloadEmpty', 'no body'];
  const limit = headers['apns-push-type'] === 'voip' ? 5120 : 4096;
  if (body.length > limit) return ['PayloadTooLarge', `${body.length} bytes`];
  let payload;
  try {
    payload = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(body));
  } catch (error) {
    return ['PayloadEmpty', `not JSON: ${error.message}`];
  }
  const aps = payload?.aps;
  if (aps === null || typeof aps !== 'object' || Array.isArray(aps)) {
    return ['PayloadEmpty', 'no aps object'];
  }
  if (headers['apns-push-type'] === 'background' && aps['content-available'] !== 1) {
    return ['PayloadEmpty', 'background without content-available'];
  }
  return null;
}

// [reason, why] of the first thing that Apple would refuse, or null.
function fault(headers, raw, body) {
  if (headers[':method'] !== 'POST') return ['MethodNotAllowed', headers[':method']];
  const path = /^\/3\/device\/([^/?]*)$/.exec(headers[':path']);
  if (!path) return ['BadPath', headers[':path']];
  if (path[1] === '') return ['MissingDeviceToken', ''];
  const auth = authFault(headers.authorization);
  if (auth) return auth;
  if (!/^([0-9a-fA-F]{2})+$/.test(path[1])) return ['BadDeviceToken', 'not hexadecimal'];
  return headerFault(headers, raw) ?? bodyFault(headers, body);
}

async function answer(stream, headers, raw, connection) {
  const body = await whole(stream);
  const address = headers[':path'].replace(/^\/3\/device\//, '');
  const found = fault(headers, raw, body);
  const act = found ? null : peer.act(address);
  const reason = found?.[0] ?? act?.reason;
  const status = reason ? STATUS[reason] : act?.status ?? 200;
  const id = headers['apns-id'] ?? crypto.randomUUID();
  if (found) peer.stats.faults++;
  peer.log({connection, stream: stream.id, address, method: headers[':method'],
            path: headers[':path'], headers: raw, body: body.toString(), status,
            ...(found && {fault: found.join(': ')}), ...(act && {act})});
  if (act?.delay_ms) await wait(act.delay_ms);
  if (act?.hang || stream.destroyed) return;
  if (act?.reset !== undefined) {
    stream.close(act.reset);
    return;
  }
  if (act?.goaway && leave(stream, act)) return;
  const reply = {':status': status, 'apns-id': id, ...act?.headers};
  if (status === 200) {
    stream.respond(reply, {endStream: true});
    return;
  }
  stream.respond(reply);
  const text = {reason: reason ?? 'InternalServerError'};
  if (status === 410) text.timestamp = act?.timestamp ?? Date.now();
  stream.end(act?.body ?? JSON.stringify(text));
}

// Says GOAWAY. "before": this stream was not processed, and no answer will come (true).
// Streams of clients have odd numbers; 0 would mean "the last one seen" to Node.
function leave(stream, act) {
  const {session} = stream;
  const before = act.goaway === 'before';
  if (before && stream.id < 3) {
    throw new Error('goaway "before" needs an earlier stream on the connection');
  }
  const last = before ? stream.id - 2 : stream.id;
  session.goaway(act.code ?? 0, last, Buffer.from(JSON.stringify({reason: 'Shutdown'})));
  setTimeout(() => session.close(), 20);
  return before;
}

const server = http2.createSecureServer({
  cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key), minVersion: 'TLSv1.2',
  settings: {maxConcurrentStreams: Number(options.streams ?? 1500)},
});
server.on('session', (session) => {
  const connection = ++peer.stats.sessions;
  peer.stats.connections = connection;
  session.on('error', () => {});
  session.on('stream', (stream, headers, flags, raw) => {
    stream.on('error', () => {});
    answer(stream, headers, raw, connection).catch((error) => {
      if (!stream.destroyed) console.error(error.message);
    });
  });
});
server.on('tlsClientError', () => {});
server.on('stream', () => {});
peer.ready({port: await listening(server, Number(options.port ?? 0))});
