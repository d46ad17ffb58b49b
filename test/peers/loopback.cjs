// Preloaded into servers that would listen on every interface: they listen on loopback only.
const net = require('node:net');

const {listen} = net.Server.prototype;
net.Server.prototype.listen = function loopback(...args) {
  const callback = args.find((argument) => typeof argument === 'function');
  const first = typeof args[0] === 'object' ? args[0].port : args[0];
  return listen.call(this, {port: Number(first ?? 0), host: '127.0.0.1'}, callback);
};
