// Adds TransactWriteItems to dynalite, as the API reference describes it: all
// of its actions or none, up to 100 on different items, and a request that is
// repeated with its token within ten minutes runs once. A transaction whose item
// another request is writing is cancelled with TransactionConflict; DynamoDB may
// do so, and a client must expect it.
//
// Each action runs as dynalite runs it, on a view of the tables that keeps what
// it writes; the view is written when every action succeeded.
'use strict'

const crypto = require('crypto')
const dynalite = require('dynalite')
const db = require('dynalite/db')
const validations = require('dynalite/validations')

const operation = 'DynamoDB_20120810.TransactWriteItems'
const maxActions = 100
const maxBytes = 4 << 20 // of all items together
const tokenTime = 10 * 60 * 1000 // milliseconds
const kinds = Object.fromEntries(['Put', 'Update', 'Delete'].map(kind => [kind, {
  run: require(`dynalite/actions/${kind.toLowerCase()}Item`),
  validation: require(`dynalite/validations/${kind.toLowerCase()}Item`),
}]))
// A check is a delete that writes nothing.
kinds.ConditionCheck = { ...kinds.Delete, check: true }

// error makes an error as dynalite's own are.
function error (type, message, more) {
  return Object.assign(new Error(message), { statusCode: 400, body: { __type: type, message, ...more } })
}
const invalid = message => error('com.amazon.coral.validate#ValidationException', message)
const refused = (name, message, more) => error('com.amazonaws.dynamodb.v20120810#' + name, message, more)

// promise calls a function of dynalite.
const promise = call => new Promise((resolve, reject) => call((err, value) => err ? reject(err) : resolve(value)))

function read (text) {
  try {
    return JSON.parse(text)
  }
  catch {
    throw error('com.amazon.coral.service#SerializationException')
  }
}

// parse reads the actions of a request and checks what needs no item.
function parse (body, store) {
  const list = body.TransactItems
  if (!Array.isArray(list) || list.length === 0 || list.length > maxActions) {
    throw invalid(`1 validation error detected: Value at 'transactItems' failed to satisfy constraint: ` +
      `Member must have length less than or equal to ${maxActions} and greater than or equal to 1`)
  }
  return list.map(item => {
    const names = Object.keys(item).filter(name => item[name] != null)
    const kind = kinds[names[0]]
    if (names.length !== 1 || !kind) {
      throw invalid('TransactItems can only contain one of Check, Put, Update or Delete')
    }
    if (names[0] === 'ConditionCheck' && item.ConditionCheck.ConditionExpression == null) {
      throw invalid('The parameter \'ConditionExpression\' is required but was not present in the request')
    }
    if (names[0] === 'Update' && item.Update.UpdateExpression == null) {
      throw invalid('The parameter \'UpdateExpression\' is required but was not present in the request')
    }
    const all = item[names[0]].ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
    const data = validations.checkTypes(item[names[0]], kind.validation.types)
    validations.checkValidations(data, kind.validation.types, kind.validation.custom, store)
    return { kind, data, all, key: data.Item || data.Key }
  })
}

// view is the store for one action: it reads tables and keeps what is written.
function view (store, action, writes) {
  const wrap = itemDb => ({
    lock: (_, run) => run(done => done),
    get: (key, cb) => itemDb.get(key, (err, item) => { action.old = item; cb(err, item) }),
    put: (key, value, cb) => { writes.push({ itemDb, type: 'put', key, value }); cb() },
    del: (key, cb) => { if (!action.kind.check) writes.push({ itemDb, type: 'del', key }); cb() },
  })
  return {
    ...store,
    getItemDb: name => wrap(store.getItemDb(name)),
    getIndexDb: (...names) => wrap(store.getIndexDb(...names)),
  }
}

async function transact (store, body) {
  const actions = parse(body, store)
  const locks = new Map() // keys to lock, by table
  let bytes = 0
  for (const action of actions) {
    action.table = await promise(cb => store.getTable(action.data.TableName, cb))
    const wrong = action.data.Item ? db.validateItem(action.key, action.table) : db.validateKey(action.key, action.table)
    if (wrong) throw wrong
    const keys = locks.get(action.data.TableName) || []
    const key = db.createKey(action.key, action.table)
    if (keys.includes(key)) throw invalid('Transaction request cannot include multiple operations on one item')
    locks.set(action.data.TableName, keys.concat(key))
    bytes += db.itemSize(action.data.Item || action.data.Key)
  }
  if (bytes > maxBytes) throw invalid('Collection size of items in transaction exceeds limit')
  const busy = action => store.getItemDb(action.data.TableName).lock.isLocked(db.createKey(action.key, action.table))
  if (actions.some(busy)) {
    throw cancelled(actions.map(action => busy(action)
      ? { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' } : { Code: 'None' }))
  }

  // The keys are free, so that every lock is held at once.
  const releases = []
  for (const [table, keys] of locks) {
    store.getItemDb(table).lock(keys, release => releases.push(release(() => {})))
  }
  try {
    const writes = []
    const reasons = []
    for (const action of actions) {
      reasons.push(await promise(cb => action.kind.run(view(store, action, writes), action.data, cb)).then(
        () => ({ Code: 'None' }), err => reason(err, action)))
    }
    if (reasons.some(r => r.Code !== 'None')) throw cancelled(reasons)
    // One batch for each table: a reader sees all of its changes or none.
    for (const itemDb of new Set(writes.map(w => w.itemDb))) {
      await promise(cb => itemDb.batch(writes.filter(w => w.itemDb === itemDb), cb))
    }
  }
  finally {
    releases.forEach(release => release())
  }
  return {}
}

function reason (err, action) {
  if (!err.body) throw err
  if (/ConditionalCheckFailed/.test(err.body.__type)) {
    return { Code: 'ConditionalCheckFailed', Message: err.body.message, Item: action.all ? action.old : undefined }
  }
  return { Code: 'ValidationError', Message: err.body.message }
}

function cancelled (reasons) {
  return refused('TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(r => r.Code).join(', ')}]`,
    { CancellationReasons: reasons })
}

// canonical is the JSON of a value with the members of each object in order:
// clients write maps in any.
function canonical (value) {
  return JSON.stringify(value, (_, v) => v && typeof v === 'object' && !Array.isArray(v)
    ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => a < b ? -1 : 1))
    : v)
}

// once runs a request with a token once. It returns what the first run did.
function once (tokens, body, run) {
  const token = body.ClientRequestToken
  if (token == null) return run()
  const sum = crypto.createHash('sha256').update(canonical(body)).digest('hex')
  const known = tokens.get(token)
  if (known && Date.now() - known.at < tokenTime) {
    if (known.sum !== sum) throw refused('IdempotentParameterMismatchException', 'Request parameters do not match those of the first request with this token')
    if (!known.done) throw refused('TransactionInProgressException', 'The transaction with the given request token is already in progress')
    return {}
  }
  const entry = { sum, at: Date.now(), done: false }
  tokens.set(token, entry)
  return run().then(
    result => { entry.done = true; return result },
    err => { tokens.delete(token); throw err })
}

// transactions makes a server of dynalite answer TransactWriteItems. The function
// store returns the server's store.
function transactions (server, store) {
  const tokens = new Map()
  const [rest] = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (req, res) => {
    if (req.headers['x-amz-target'] !== operation) return rest(req, res)
    const chunks = []
    req.on('data', chunk => chunks.push(chunk))
    req.on('end', async () => {
      let status = 200, answer
      try {
        const body = read(Buffer.concat(chunks))
        answer = await once(tokens, body, () => transact(store(), body))
      }
      catch (err) {
        if (!err.body) throw err // a mistake here: the process ends
        status = err.statusCode
        answer = err.body
      }
      const text = JSON.stringify(answer)
      res.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0', 'Content-Length': Buffer.byteLength(text) })
      res.end(text)
    })
  })
}
