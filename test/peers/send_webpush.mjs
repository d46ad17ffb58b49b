// Sends one message through npm web-push: node send_webpush.mjs SUBSCRIPTION VAPID_PEM TEXT
import crypto from 'node:crypto';
import fs from 'node:fs';
import webpush from 'web-push';

const [subscription, pem, text] = process.argv.slice(2);
const {x, y, d} = crypto.createPrivateKey(fs.readFileSync(pem)).export({format: 'jwk'});
const publicKey = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'),
                                 Buffer.from(y, 'base64url')]).toString('base64url');
const details = webpush.generateRequestDetails(JSON.parse(subscription), text, {
  TTL: 60, vapidDetails: {subject: 'mailto:ops@example.com', publicKey, privateKey: d},
});
// It only knows https; the endpoint may be plain http on loopback.
const answer = await fetch(details.endpoint, {method: 'POST', headers: details.headers,
                                              body: details.body});
console.log(JSON.stringify({status: answer.status, body: await answer.text()}));
