import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from '../../../pipelines/core/nearest.ts'

test('nearest: a swap, a missing and a wrong letter still find the name', () => {
  const names = ['celsius', 'limit', 'doorOpen', 'site']
  assert.equal(nearest('celcius', names), 'celsius')
  assert.equal(nearest('limti', names), 'limit')
  assert.equal(nearest('doorOpn', names), 'doorOpen')
})

test('nearest: case and separators cost nothing', () => {
  assert.equal(nearest('door_open', ['doorOpen']), 'doorOpen')
})

test('nearest: a name that resembles none has no nearest', () => {
  assert.equal(nearest('humidity', ['celsius', 'limit']), null)
  assert.equal(nearest('x', []), null)
})

test('nearest: of two near names the nearer wins, of equals the first', () => {
  assert.equal(nearest('limits', ['limes', 'limit']), 'limit')
  assert.equal(nearest('cat', ['bat', 'hat']), 'bat')
})
