import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scram } from '../../../connectors/kafka/scram.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const user = { username: 'user', password: 'pencil' }

// RFC 7677, section 3.
const nonce = 'rOprNGfwEbeRWgbNEkqO'
const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
const clientFinal = 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

async function until (...heard: readonly string[]): Promise<string | null> {
  const conversation = scram('sha256', user, nonce)
  let said = await conversation.next(new Uint8Array(0))
  for (const one of heard) said = await conversation.next(Buffer.from(one))
  return said.done ? null : text(said.value)
}

test('scram says what RFC 7677 says, and is content with its server', async () => {
  assert.equal(await until(), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  assert.equal(await until(serverFirst), clientFinal)
  assert.equal(await until(serverFirst, serverFinal), null)
})

test('scram escapes what would end a name', async () => {
  const { value } = await scram('sha512', { username: 'a=b,c', password: '' }, 'x').next(new Uint8Array(0))
  assert.equal(text(value!), 'n,,n=a=3Db=2Cc,r=x')
})

const refused: Readonly<Record<string, readonly [heard: readonly string[], says: RegExp]>> = {
  'a signature that is wrong': [[serverFirst, 'v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='], /does not know the password/],
  'a signature that is short': [[serverFirst, 'v=6rri'], /does not know the password/],
  'an error of the server': [[serverFirst, 'e=invalid-proof'], /invalid-proof/],
  'a last message that is none': [[serverFirst, 'ok'], /last message/],
  'a nonce of the server\'s own': [['r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'], /continuation/],
  'our nonce alone': [[`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`], /continuation/],
  'too few iterations': [[serverFirst.replace('4096', '4095')], /4095 iterations/],
  'iterations that would keep a client busy for hours': [[serverFirst.replace('4096', '999999999')], /999999999 iterations/],
  'a first message that is none': [['hello'], /first message/],
}
for (const [what, [heard, says]] of Object.entries(refused)) {
  test(`scram refuses ${what}, and never says the password`, async () => {
    await assert.rejects(until(...heard), error => error instanceof Error && says.test(error.message) && !error.message.includes(user.password))
  })
}
