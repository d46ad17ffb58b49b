// A fake of Firebase Cloud Messaging (HTTP v1) and of Google's token endpoint.
//
//   node fcm_fake.mjs --public=PEM --account=EMAIL --project=P [--cert=PEM --key=PEM] [--log=FILE]
//
// `port` speaks HTTP/1.1; with a certificate `tls` speaks HTTP/2 and HTTP/1.1 over TLS. Sources:
// firebase.google.com/docs/reference/fcm/rest/v1/projects.messages, ErrorCode, and
// developers.google.com/identity/protocols/oauth2/service-account. Rules (peer.mjs) go by the
// device token for messages and by "token" for the token endpoint; `reason` is an errorCode.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import {Peer, jws, listening, options, perform, whole} from './peer.mjs';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
// errorCode -> [HTTP status, google.rpc.Code]
const ERRORS = {
  UNREGISTERED: [404, 'NOT_FOUND'], INVALID_ARGUMENT: [400, 'INVALID_ARGUMENT'],
  SENDER_ID_MISMATCH: [403, 'PERMISSION_DENIED'], QUOTA_EXCEEDED: [429, 'RESOURCE_EXHAUSTED'],
  UNAVAILABLE: [503, 'UNAVAILABLE'], INTERNAL: [500, 'INTERNAL'],
  THIRD_PARTY_AUTH_ERROR: [401, 'UNAUTHENTICATED'],
};
const MEMBERS = new Set(['name', 'data', 'notification', 'android', 'webpush', 'apns',
  'fcmOptions', 'fcm_options', 'token', 'topic', 'condition']);
const RESERVED = /^(from|message_type|google.*|gcm.*)$/;

const peer = new Peer();
const publicKey = crypto.createPublicKey(fs.readFileSync(options.public));
const granted = new Map(); // access token -> when it ends, ms
let messages = 0;
Object.assign(peer.stats, {tokens: 0});

function rpcError(status, code, message, errorCode, violations) {
  const details = [];
  if (errorCode) {
    details.push({'@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode});
  }
  if (violations) {
    details.push({'@type': 'type.googleapis.com/google.rpc.BadRequest',
                  fieldViolations: violations});
  }
  return [status, {error: {code: status, message, status: code, ...(details.length && {details})}}];
}

const invalid = (field, description) => rpcError(400, 'INVALID_ARGUMENT',
  `Invalid value at '${field}'`, 'INVALID_ARGUMENT', [{field, description}]);

// What is wrong with an assertion, in Google's words; null: nothing.
function assertionFault(text, audience) {
  const parts = jws(text ?? '');
  if (!parts) return 'Invalid JWT';
  const {header, claims, input, signature} = parts;
  const now = Date.now() / 1000;
  if (header.alg !== 'RS256' || (header.typ ?? 'JWT') !== 'JWT') return 'Invalid JWT header';
  if (!crypto.verify('sha256', input, publicKey, signature)) return 'Invalid JWT Signature.';
  if (claims.iss !== options.account) return 'Invalid issuer';
  if (claims.aud !== audience && !/^https:\/\/(www|oauth2)\.googleapis\.com\//.test(claims.aud)) {
    return `Invalid audience ${claims.aud}`;
  }
  if (!(claims.iat <= now + 60 && claims.exp > now && claims.exp <= claims.iat + 3600)) {
    return 'Invalid JWT: Token must be a short-lived token (60 minutes)';
  }
  if (!claims.scope?.split(' ').includes(SCOPE)) return 'Invalid OAuth scope';
  return null;
}

async function token(request, response, body) {
  const form = new URLSearchParams(body);
  const scheme = request.socket.encrypted ? 'https' : 'http';
  const host = request.headers.host ?? request.headers[':authority'];
  let fault = form.get('grant_type') === GRANT ? null : 'Invalid grant_type';
  fault ??= assertionFault(form.get('assertion'), `${scheme}://${host}${request.url}`);
  peer.log({address: 'token', method: request.method, path: request.url, form: [...form],
            ...(fault && {fault})});
  peer.stats.tokens++;
  const act = peer.act('token');
  if (act && await perform(act, request, response)) return;
  if (fault) {
    reply(response, 400, {error: 'invalid_grant', error_description: fault});
    return;
  }
  const access = `ya29.${crypto.randomBytes(24).toString('base64url')}`;
  const seconds = act?.expires_in ?? 3599;
  granted.set(access, Date.now() + seconds * 1000);
  reply(response, 200, {access_token: access, expires_in: seconds, token_type: 'Bearer'});
}

function messageFault(body) {
  let json;
  try {
    json = JSON.parse(body);
  } catch {
    return rpcError(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.');
  }
  const {message} = json;
  const unknown = [...Object.keys(json).filter((key) => !/^(message|validate_?only)$/i.test(key)),
                   ...Object.keys(message ?? {}).filter((key) => !MEMBERS.has(key))];
  if (unknown.length) {
    return rpcError(400, 'INVALID_ARGUMENT', `Unknown name "${unknown[0]}": Cannot find field.`);
  }
  const targets = ['token', 'topic', 'condition'].filter((key) => message?.[key]);
  if (targets.length !== 1) return invalid('message', 'Exactly one of token, topic, condition');
  for (const [key, value] of Object.entries(message.data ?? {})) {
    if (typeof value !== 'string') return invalid(`message.data[${key}]`, 'not a string');
    if (RESERVED.test(key)) return invalid(`message.data.${key}`, 'Invalid data payload key');
  }
  const {android = {}} = message;
  if (android.ttl !== undefined && !/^\d+(\.\d+)?s$/.test(android.ttl)) {
    return invalid('message.android.ttl', 'Invalid TTL');
  }
  if (android.ttl !== undefined && parseFloat(android.ttl) > 2419200) {
    return invalid('message.android.ttl', 'over 4 weeks');
  }
  if (android.priority !== undefined && !/^(high|normal)$/i.test(android.priority)) {
    return invalid('message.android.priority', 'Invalid value');
  }
  const {token: _, ...rest} = message;
  const size = Buffer.byteLength(JSON.stringify({data: rest.data, n: rest.notification}));
  if (size > 4096 + 32) return invalid('message', 'Message is too big');
  return null;
}

async function send(request, response, body) {
  const authorization = request.headers.authorization ?? '';
  const ends = granted.get(authorization.replace(/^Bearer /, ''));
  let address = '';
  try {
    address = JSON.parse(body).message.token ?? '';
  } catch { /* said below */ }
  let fault = null;
  if (!(authorization.startsWith('Bearer ') && ends > Date.now())) {
    fault = rpcError(401, 'UNAUTHENTICATED',
      'Request had invalid authentication credentials. Expected OAuth 2 access token');
  } else if (!/^application\/json/.test(request.headers['content-type'] ?? '')) {
    fault = rpcError(400, 'INVALID_ARGUMENT', 'Invalid content type');
  }
  fault ??= messageFault(body);
  const act = fault ? null : peer.act(address);
  if (fault) peer.stats.faults++;
  peer.log({address, method: request.method, path: request.url, headers: request.rawHeaders,
            version: request.httpVersion, body, ...(fault && {fault: fault[1].error}),
            ...(act && {act})});
  if (act && await perform(act, request, response)) return;
  if (act?.reason) fault = named(act);
  if (fault) {
    reply(response, ...fault, act?.headers);
    return;
  }
  reply(response, 200, {name: `projects/${options.project}/messages/${++messages}`});
}

function named(act) {
  const [status, code] = ERRORS[act.reason];
  const bad = act.reason === 'INVALID_ARGUMENT';
  return rpcError(status, code,
    bad ? 'The registration token is not a valid FCM registration token' : act.reason, act.reason,
    bad ? [{field: 'message.token', description: 'Invalid registration token'}] : undefined);
}

function reply(response, status, json, headers = {}) {
  response.writeHead(status, {'content-type': 'application/json; charset=UTF-8', ...headers});
  response.end(JSON.stringify(json));
}

// prism renames {parent}/messages:send; both spellings of the path are the same call.
const SEND = new RegExp(`^/v1/projects/${options.project}/messages:send$`);

async function handle(request, response) {
  request.on('error', () => {});
  response.on('error', () => {});
  const body = (await whole(request)).toString();
  const path = request.url.split('?')[0];
  if (request.method === 'POST' && path.endsWith('/token')) await token(request, response, body);
  else if (request.method === 'POST' && SEND.test(path)) await send(request, response, body);
  else {
    peer.log({address: '', method: request.method, path: request.url, fault: 'no such call'});
    reply(response, ...rpcError(404, 'NOT_FOUND', 'Requested entity was not found.'));
  }
}

const handler = (request, response) => handle(request, response).catch((error) => {
  if (!response.destroyed && error.code !== 'ECONNRESET') console.error(error);
});
const server = http.createServer(handler).on('connection', () => { peer.stats.connections++; });
const ports = {port: await listening(server, Number(options.port ?? 0))};
if (options.cert) {
  const tls = http2.createSecureServer({
    cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key), allowHTTP1: true,
  }, handler).on('secureConnection', () => { peer.stats.connections++; })
    .on('sessionError', () => {}).on('tlsClientError', () => {});
  ports.tls = await listening(tls);
}
peer.ready(ports);
