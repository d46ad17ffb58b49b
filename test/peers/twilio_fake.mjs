// A fake of Twilio's Messages resource: HTTP/1.1 at `port`, and over TLS at `tls`.
//
//   node twilio_fake.mjs --sid=AC… --token=T [--cert=PEM --key=PEM] [--log=FILE]
//
// Sources: twilio.com/docs/messaging/api/message-resource, twilio.com/docs/api/errors, and the
// vendor's OpenAPI document. Rules (peer.mjs) go by the number in To; `reason` is an error code.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import {Peer, listening, options, perform, whole} from './peer.mjs';

const STATUS = {20003: 401, 20404: 404, 20429: 429, 20500: 500, 20503: 503, 30002: 403};
const FIELDS = new Set(['To', 'From', 'Body', 'MessagingServiceSid', 'StatusCallback', 'MediaUrl',
  'ValidityPeriod', 'SmartEncoded', 'ApplicationSid', 'MaxPrice', 'ProvideFeedback', 'Attempt',
  'ForceDelivery', 'ContentRetention', 'AddressRetention', 'PersistentAction', 'TrafficType',
  'ShortenUrls', 'ScheduleType', 'SendAt', 'SendAsMms', 'ContentVariables', 'RiskCheck',
  'ContentSid']);
const peer = new Peer();
const path = `/2010-04-01/Accounts/${options.sid}/Messages.json`;
const credentials = `Basic ${Buffer.from(`${options.sid}:${options.token}`).toString('base64')}`;

// [code, message] of what Twilio would refuse, or null.
function fault(request, body, form) {
  if (request.headers.authorization !== credentials) return [20003, 'Authenticate'];
  if (request.method !== 'POST' || request.url !== path) {
    return [20404, `The requested resource ${request.url} was not found`];
  }
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded(;|$)/.test(type)) return [20400, `type ${type}`];
  if (/[^\x21-\x7e]/.test(body)) return [20400, 'the form is not encoded'];
  const unknown = [...form.keys()].find((key) => !FIELDS.has(key));
  if (unknown) return [20400, `unknown field ${unknown}`];
  if (!/^\+[1-9]\d{1,14}$/.test(form.get('To') ?? '')) {
    return [21211, `The 'To' number ${form.get('To')} is not a valid phone number.`];
  }
  if (!form.get('From') && !form.get('MessagingServiceSid')) {
    return [21603, "A 'From' phone number is required."];
  }
  const text = form.get('Body') ?? '';
  if (text === '') return [21602, 'Message body is required.'];
  if ([...text].length > 1600) return [21617, 'The concatenated message body exceeds 1600'];
  const validity = form.get('ValidityPeriod');
  if (validity !== null && !(/^\d+$/.test(validity) && validity >= 1 && validity <= 36000)) {
    return [21618, 'ValidityPeriod'];
  }
  return null;
}

async function handle(request, response) {
  const body = (await whole(request)).toString('latin1');
  const form = new URLSearchParams(body);
  let found = fault(request, body, form);
  const address = form.get('To') ?? '';
  const act = found ? null : peer.act(address);
  if (found) peer.stats.faults++;
  peer.log({address, method: request.method, path: request.url, headers: request.rawHeaders, body,
            form: Object.fromEntries(form), ...(found && {fault: found}), ...(act && {act})});
  if (act && await perform(act, request, response)) return;
  if (act?.reason) found = [Number(act.reason), `error ${act.reason}`];
  if (found) {
    const [code, message] = found;
    const status = STATUS[code] ?? 400;
    reply(response, status, {code, message, status,
      more_info: `https://www.twilio.com/docs/errors/${code}`}, act?.headers);
    return;
  }
  const sid = `SM${crypto.randomBytes(16).toString('hex')}`;
  reply(response, 201, {
    account_sid: options.sid, api_version: '2010-04-01', body: form.get('Body'),
    date_created: new Date().toUTCString(), date_sent: null,
    date_updated: new Date().toUTCString(), direction: 'outbound-api', error_code: null,
    error_message: null, from: form.get('From'), messaging_service_sid: null, num_media: '0',
    num_segments: '1', price: null, price_unit: 'USD', sid, status: 'queued',
    subresource_uris: {media: `${path.replace('.json', '')}/${sid}/Media.json`}, to: address,
    uri: `${path.replace('.json', '')}/${sid}.json`,
  });
}

function reply(response, status, json, headers = {}) {
  response.writeHead(status, {'content-type': 'application/json', ...headers});
  response.end(JSON.stringify(json));
}

const handler = (request, response) => {
  request.on('error', () => {});
  handle(request, response).catch((error) => {
    if (error.code !== 'ECONNRESET') console.error(error);
  });
};
const server = http.createServer(handler).on('connection', () => { peer.stats.connections++; });
const ports = {port: await listening(server, Number(options.port ?? 0))};
if (options.cert) {
  const secret = {cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key)};
  ports.tls = await listening(https.createServer(secret, handler));
}
peer.ready(ports);
