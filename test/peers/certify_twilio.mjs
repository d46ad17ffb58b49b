// Sends through Twilio's SDK, one message a number, and prints what it made of each answer.
//
//   node --require redirect.cjs certify_twilio.mjs SID TOKEN NUMBER...
import twilio from 'twilio';

const [sid, token, ...numbers] = process.argv.slice(2);
const client = twilio(sid, token);
const result = {};
for (const to of numbers) {
  try {
    const sent = await client.messages.create({to, from: '+15005550006', body: 'Hi + 안녕 & more'});
    result[to] = {sid: sent.sid, status: sent.status, body: sent.body};
  } catch (error) {
    result[to] = {code: error.code, status: error.status};
  }
}
console.log(JSON.stringify(result));
process.exit(0);
