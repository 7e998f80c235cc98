// Serves DynamoDB from memory on a free port of this machine, and writes the
// port to standard output. It ends with the process that started it: the
// kernel then closes the pipe that is this one's standard input.
const create = db.create // dynalite keeps its store to itself
let store
db.create = options => {
  store = create(options)
  return store
}

const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
transactions(server, () => store) // of transact.js
// dynalite throws what a request fails with: a client that gives up amid its
// request would end the server.
process.on('uncaughtException', cause => {
  if (cause.code === 'ECONNRESET') return
  console.error(cause)
  process.exit(1)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))

process.stdin.on('close', () => process.exit())
process.stdin.resume()
