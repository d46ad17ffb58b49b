// Sends through firebase-admin, one message a token, and prints what it made of each answer.
//
//   node --require redirect.cjs certify_fcm.mjs SERVICE_ACCOUNT TOKEN...
import fs from 'node:fs';
import {cert, initializeApp} from 'firebase-admin/app';
import {getMessaging} from 'firebase-admin/messaging';

const [account, ...tokens] = process.argv.slice(2);
const app = initializeApp({credential: cert(JSON.parse(fs.readFileSync(account)))});
const messaging = getMessaging(app);
// Its HTTP/2 says ":scheme: https:" with a colon, which Google takes and nghttp2 rightly does not.
messaging.enableLegacyHttpTransport();
const result = {};
for (const token of tokens) {
  const message = {token, notification: {title: 'Hi', body: 'from firebase-admin'},
                   data: {k: 'v'}, android: {priority: 'high', ttl: 30000, collapseKey: 'c'}};
  const {responses: [one]} = await messaging.sendEach([message]);
  result[token] = one.success ? one.messageId : {code: one.error.code, message: one.error.message};
}
console.log(JSON.stringify(result));
process.exit(0);
