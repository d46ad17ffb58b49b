// Preloaded into vendors' clients that know only the real hosts: every TLS connection to a name in
// PEER_TARGETS ({"api.push.apple.com":PORT}) goes to that port of loopback, any other is refused.
// Certificates are still checked against the name (NODE_EXTRA_CA_CERTS names the test CA).
const net = require('node:net');
const tls = require('node:tls');

const targets = JSON.parse(process.env.PEER_TARGETS);
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function redirected(...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options && typeof options === 'object' && !options.path) {
    const {host = 'localhost'} = options;
    if (host in targets) {
      options.servername ??= host;
      options.host = '127.0.0.1';
      options.port = targets[host];
    } else if (host !== '127.0.0.1' && host !== 'localhost') {
      throw new Error(`no connection to ${host} in a test`);
    }
  }
  return connect.apply(this, args);
};

const tlsConnect = tls.connect;
tls.connect = function redirected(...args) {
  const options = args.find((argument) => typeof argument === 'object' && argument !== null);
  if (options?.host in targets && !net.isIP(options.host)) options.servername ??= options.host;
  return tlsConnect.apply(this, args);
};
