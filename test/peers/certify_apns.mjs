// Apple's protocol as two clients speak it that others wrote: sends through @parse/node-apn and
// apns2 to the fake, one push a token, and prints how each client understood the answer.
//
//   node certify_apns.mjs PORT KEY CA KID TEAM TOPIC TOKEN...
// apns2 has no option for port, CA or deadline: redirect.cjs takes it to the fake, NODE_EXTRA_CA_CERTS
// names the CA, and it is given up after a while here.
import fs from 'node:fs';
import apn from '@parse/node-apn';
import {ApnsClient, Notification, SilentNotification} from 'apns2';

const [port, key, ca, keyId, teamId, topic, ...tokens] = process.argv.slice(2);
const result = {node_apn: {}, apns2: {}};

const provider = new apn.Provider({
  token: {key, keyId, teamId}, production: true, address: '127.0.0.1', port: Number(port), ca,
  requestTimeout: 1500, connectionRetryLimit: 0,
});
for (const token of tokens) {
  const note = new apn.Notification({alert: {title: 'Hi', body: 'from node-apn'}, topic,
                                     pushType: 'alert', priority: 10, expiry: 0,
                                     collapseId: 'c-1'});
  const {sent, failed} = await provider.send(note, token);
  result.node_apn[token] = sent.length ? 'sent' : {
    status: failed[0].status, reason: failed[0].response?.reason,
    timestamp: failed[0].response?.timestamp, error: failed[0].error?.message};
}
await provider.shutdown();

const late = () => new Promise((_, reject) => {
  setTimeout(() => reject(new Error('no answer')), 1500).unref();
});
const client = new ApnsClient({
  team: teamId, keyId, signingKey: fs.readFileSync(key), defaultTopic: topic,
});
for (const token of tokens) {
  const note = new Notification(token, {alert: {title: 'Hi', body: 'from apns2'}});
  try {
    await Promise.race([client.send(note), late()]);
    result.apns2[token] = 'sent';
  } catch (error) {
    result.apns2[token] = {status: error.statusCode, reason: error.reason ?? error.code,
                           timestamp: error.response?.timestamp, error: error.message};
  }
}
try {
  await Promise.race([client.send(new SilentNotification(tokens[0])), late()]);
  result.silent = 'sent';
} catch (error) {
  result.silent = {reason: error.reason, error: error.message};
}
console.log(JSON.stringify(result));
process.exit(0);
