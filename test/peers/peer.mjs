// What every fake shares: rules that say how to answer, a log of all requests, a control port.
//
// A rule is {address | prefix, times, act}: the first one that fits the address of a request and
// has turns left decides; without one the fake answers as the provider would. `act` has some of
//   status, headers, body   this answer, whatever was asked
//   reason                  the provider's own name of an error (each fake knows its table)
//   delay_ms                wait before doing anything else
//   hang                    never answer
//   reset                   HTTP/2: RST_STREAM with this code; HTTP/1.1: close the connection
//   goaway                  HTTP/2: "after" answers and goes, "before" goes as if unasked
// The control port (HTTP, JSON, loopback): PUT /rules replaces them, POST /rules puts one first,
// GET /stats answers counters. The log is one JSON object a line, written before the answer.
// The process ends when its standard input does, so that no fake outlives the one who started it.
import fs from 'node:fs';
import http from 'node:http';

export const options = Object.fromEntries(process.argv.slice(2).map((argument) => {
  const at = argument.indexOf('=');
  return [argument.slice(2, at), argument.slice(at + 1)];
}));

export class Peer {
  constructor() {
    this.rules = [];
    this.calls = {}; // further calls of the control port: path -> (body) => answer
    this.stats = {requests: 0, connections: 0, faults: 0};
    this.file = options.log ? fs.openSync(options.log, 'a') : null;
  }

  // The act for a request to this address, or null: answer as the provider would.
  act(address) {
    for (const rule of this.rules) {
      const fits = rule.address === undefined
        ? address.startsWith(rule.prefix ?? '') : rule.address === address;
      if (fits && rule.times !== 0) {
        if (rule.times > 0) rule.times--;
        return rule.act;
      }
    }
    return null;
  }

  log(entry) {
    this.stats.requests++;
    if (this.file !== null) {
      fs.writeSync(this.file, JSON.stringify({at: Date.now(), ...entry}) + '\n');
    }
  }

  // Starts the control port and says where everything listens; `ports` is printed as it is.
  async ready(ports) {
    const control = http.createServer((request, response) => this.#control(request, response));
    ports.control = await listening(control);
    process.stdin.on('end', () => process.exit(0)).resume();
    console.log(JSON.stringify(ports));
  }

  async #control(request, response) {
    const body = (await whole(request)).toString();
    let answer = {};
    if (request.method === 'PUT' && request.url === '/rules') this.rules = JSON.parse(body);
    else if (request.method === 'POST' && request.url === '/rules') {
      this.rules.unshift(JSON.parse(body));
    } else if (request.url in this.calls) answer = this.calls[request.url](JSON.parse(body));
    else if (request.url === '/stats') answer = this.stats;
    else response.statusCode = 404;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  }
}

export function listening(server, port = 0) {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });
}

export async function whole(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

export const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// The three parts of a compact JWS, or null: {header, claims, input, signature}.
export function jws(token) {
  const parts = token.split('.');
  if (parts.length !== 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return null;
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(
      Buffer.from(part, 'base64url')));
    return {header, claims, input: Buffer.from(`${parts[0]}.${parts[1]}`),
            signature: Buffer.from(parts[2], 'base64url')};
  } catch {
    return null;
  }
}

// Acts that every HTTP/1.1 answer (and the HTTP/2 compatibility layer) can do; true: it is done.
export async function perform(act, request, response) {
  if (act.delay_ms) await wait(act.delay_ms);
  if (act.hang) return true;
  if (act.reset !== undefined) {
    if (request.httpVersionMajor === 2) response.stream.close(act.reset);
    else request.socket.destroy();
    return true;
  }
  if (act.status === undefined) return false;
  const text = typeof act.body === 'object' ? JSON.stringify(act.body) : act.body ?? '';
  response.writeHead(act.status, {'content-type': 'application/json', ...act.headers});
  response.end(text);
  return true;
}
